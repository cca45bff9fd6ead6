//! Opening the systems of a programme.

use std::path::Path;

use quietus_contract::{Disposer, Inventory, Probe, Secret, SystemConfig};
use quietus_schedule::{Connect, System};

use crate::adapters::Adapters;
use crate::error::{UserError, code};

/// A file with a secret is at most this long.
const SECRET_BYTES_MAX: u64 = 65_536;

/// Opens a system for reading.
pub async fn inventory(
    adapters: &Adapters,
    programme: &Path,
    system: &System,
) -> Result<Box<dyn Inventory>, UserError> {
    let (adapter, config) = prepare(adapters, programme, system)?;
    adapter.open_inventory(&config).await.map_err(|e| UserError::from(e).in_system(&system.name))
}

/// Opens a system for disposal.
pub async fn disposer(
    adapters: &Adapters,
    programme: &Path,
    system: &System,
) -> Result<Box<dyn Disposer>, UserError> {
    let (adapter, config) = prepare(adapters, programme, system)?;
    adapter.open_disposer(&config).await.map_err(|e| UserError::from(e).in_system(&system.name))
}

/// Asks a system which target it is.
pub async fn probe(target: &dyn Inventory, system: &System) -> Result<Probe, UserError> {
    target.probe().await.map_err(|e| UserError::from(e).in_system(&system.name))
}

fn prepare<'a>(
    adapters: &'a Adapters,
    programme: &Path,
    system: &System,
) -> Result<(&'a dyn quietus_contract::Adapter, SystemConfig), UserError> {
    let adapter = adapters.named(&system.adapter).ok_or_else(|| {
        UserError::new(
            &code::TARGET_UNSUPPORTED,
            format!("system {}: this quietus has no adapter {:?}", system.name, system.adapter),
        )
        .with_help("use a build of quietus that has it")
    })?;
    let config = SystemConfig {
        name: system.name.clone(),
        settings: system.settings.clone(),
        secret: system.connect.as_ref().map(|c| secret(programme, system, c)).transpose()?,
        base: programme.to_path_buf(),
    };
    Ok((adapter, config))
}

fn secret(programme: &Path, system: &System, connect: &Connect) -> Result<Secret, UserError> {
    let text = match connect {
        Connect::Env(name) => std::env::var(name).map_err(|_| {
            UserError::new(
                &code::SECRET_MISSING,
                format!("system {}: the environment has no variable {name}", system.name),
            )
            .with_help("set it where the agent is started, or name a file in `connect`")
        })?,
        Connect::File(path) => {
            let path = programme.join(path);
            let unreadable = |source: std::io::Error| {
                UserError::new(
                    &code::SECRET_MISSING,
                    format!(
                        "system {}: the file {} with its secret cannot be read",
                        system.name,
                        path.display()
                    ),
                )
                .with_help("let the agent's account read it, and nobody else")
                .with_source(source)
            };
            let length = std::fs::metadata(&path).map_err(unreadable)?.len();
            if length > SECRET_BYTES_MAX {
                return Err(unreadable(std::io::ErrorKind::FileTooLarge.into()));
            }
            std::fs::read_to_string(&path).map_err(unreadable)?
        }
    };
    Ok(Secret::new(text.trim_end_matches(['\n', '\r']).to_owned()))
}
