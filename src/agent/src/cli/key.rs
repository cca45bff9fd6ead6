//! `quietus key`: the agent's public keys, and keys for approvers.

use serde::Serialize;

use super::args::KeyCommand;
use super::console::Console;
use super::context::Context;
use crate::error::{Exit, UserError};
use crate::keys::{SecretKey, load_public};

#[derive(Debug, Serialize)]
struct Keys {
    log: String,
    certificate: String,
    policy: String,
}

#[derive(Debug, Serialize)]
struct NewKey {
    name: String,
    id: String,
    public: String,
    key_file: String,
    public_file: String,
}

pub(super) fn run(
    context: &Context,
    console: &mut Console,
    command: Option<&KeyCommand>,
) -> Result<Exit, UserError> {
    match command {
        None | Some(KeyCommand::Show) => {
            let keys = keys(context)?;
            console.answer(&keys, || {
                format!(
                    "ledger       {}\ncertificate  {}\n\n\
                     Auditors pin the first one: hand them the output of `quietus key policy` on \
                     paper or\nin person, not inside a bundle. The ledger's first entry names the \
                     second.\n",
                    keys.log, keys.certificate
                )
            })?;
        }
        Some(KeyCommand::Policy) => {
            let keys = keys(context)?;
            console.answer(&keys, || keys.policy.clone())?;
        }
        Some(KeyCommand::New { name, to }) => {
            let key = SecretKey::generate(name)?;
            context.durable.create_dir(to)?;
            let stem = to.join(name);
            key.store(&context.durable, &stem, &format!("Signs approvals of {name}."))?;
            let file = |suffix: &str| format!("{}.{suffix}", stem.display());
            let new = NewKey {
                name: name.clone(),
                id: key.id(),
                public: key.verifier().to_string(),
                key_file: file("key"),
                public_file: file("pub"),
            };
            console.answer(&new, || entry(&new))?;
        }
    }
    Ok(Exit::Done)
}

fn entry(new: &NewKey) -> String {
    format!(
        "{} is secret: whoever can read it can sign as {}.\n\
         {} is public. For quietus.toml:\n\n\
         [[approver]]\n\
         role = \"...\"            # as the classes name their owner\n\
         name = \"...\"\n\
         key  = \"{}\"\n",
        new.key_file, new.name, new.public_file, new.public
    )
}

fn keys(context: &Context) -> Result<Keys, UserError> {
    let folder = context.folder.keys();
    let log = load_public(&folder.join("log.pub"))?;
    let certificate = load_public(&folder.join("certificate.pub"))?;
    let policy = policy_of(&log.to_string());
    Ok(Keys { log: log.to_string(), certificate: certificate.to_string(), policy })
}

/// Returns the policy file with which an auditor pins a ledger.
pub(super) fn policy_of(log: &str) -> String {
    format!(
        "# The ledger that this auditor accepts. Keep this file where nobody else can change it.\n\
         log {log}\nquorum none\n"
    )
}
