//! Keys: the files they are kept in, and the randomness they are made of.
//!
//! ```text
//! NAME.key   # who this key speaks for, in words
//!            PRIVATE+KEY+<name>+<id>+<base64 of 0x01 and the 32-byte seed>     mode 0600
//! NAME.pub   <name>+<id>+<base64 of 0x01 and the 32-byte public key>
//! ```
//!
//! Both lines are the ones that Go's `sumdb/note` writes and reads; `.pub` is a C2SP verifier key.

use std::fmt;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quietus_evidence::key::SignError;
use quietus_evidence::note::{KeyType, VerifierKey, VerifierKeyError};
use quietus_evidence::{FileKey, PublicKey, Signer};
use zeroize::Zeroizing;

use crate::durable::Durable;
use crate::error::{UserError, code};

/// The longest key file that is read.
const KEY_FILE_BYTES_MAX: u64 = 4096;
/// What a secret key's line begins with.
const SECRET_WORD: &str = "PRIVATE+KEY+";
/// The signature type of an Ed25519 key.
const TYPE_ED25519: u8 = 1;

/// Fills an array from the operating system's random source, the only one in use.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], UserError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        UserError::new(&code::RANDOMNESS, format!("the system gives no random bytes: {error}"))
            .with_help("quietus makes no key and no run without them; see to /dev/urandom")
    })?;
    Ok(bytes)
}

/// A secret key with its name; wiped when dropped, never printed.
pub struct SecretKey {
    public: VerifierKey,
    seed: Zeroizing<[u8; 32]>,
    signer: FileKey,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({}, seed hidden)", self.public)
    }
}

impl Signer for SecretKey {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        self.signer.sign(message)
    }

    fn public(&self) -> [u8; 32] {
        self.signer.public()
    }
}

impl SecretKey {
    /// Makes a new key from random bytes.
    pub fn generate(name: &str) -> Result<Self, UserError> {
        Self::from_seed(name, Zeroizing::new(random_bytes()?))
            .map_err(|why| UserError::new(&code::COMMAND_LINE, why).with_help(NAME_HELP))
    }

    /// Reads a key file.
    ///
    /// # Behavior
    ///
    /// - A file that its group or others may read is refused: its key may have been copied.
    /// - The id in the file must be the one that name and seed give.
    pub fn load(path: &Path) -> Result<Self, UserError> {
        let text = read_secret(path)?;
        let unusable = |why: &str| {
            UserError::new(
                &code::KEY_UNUSABLE,
                format!("{} is no secret key: {why}", path.display()),
            )
            .with_help("put the right file back from its safe copy; do not edit key files")
        };
        let line = key_line(&text).ok_or_else(|| unusable("it has no line with a key"))?;
        let rest = line
            .strip_prefix(SECRET_WORD)
            .ok_or_else(|| unusable("its line does not begin with PRIVATE+KEY+"))?;
        let mut parts = rest.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(unusable("its line is not PRIVATE+KEY+NAME+ID+KEY"));
        };
        let bytes = Zeroizing::new(STANDARD.decode(key).map_err(|_| unusable("it is no base64"))?);
        let seed = match bytes.split_first() {
            Some((&TYPE_ED25519, seed)) => <[u8; 32]>::try_from(seed).map(Zeroizing::new).ok(),
            _ => None,
        };
        let seed = seed.ok_or_else(|| unusable("it is not an Ed25519 seed of 32 bytes"))?;
        let key = Self::from_seed(name, seed).map_err(|why| unusable(&why))?;
        if key.id() != id {
            return Err(unusable("the id does not belong to this name and seed"));
        }
        Ok(key)
    }

    /// Writes `<stem>.key` (mode 0600) and `<stem>.pub`; neither may be there yet.
    ///
    /// `about` says for people whom the key speaks for.
    pub fn store(&self, durable: &Durable, stem: &Path, about: &str) -> Result<(), UserError> {
        let (secret, public) = (with_suffix(stem, "key"), with_suffix(stem, "pub"));
        let about: String = about.chars().filter(|c| !c.is_control()).collect();
        let mut bytes = Zeroizing::new([0; 33]);
        if let Some((first, rest)) = bytes.split_first_mut() {
            *first = TYPE_ED25519;
            rest.copy_from_slice(self.seed.as_slice());
        }
        let encoded = Zeroizing::new(STANDARD.encode(bytes.as_slice()));
        let text = Zeroizing::new(format!(
            "# {about}\n# Secret: whoever can read this file can sign in that name.\n\
             {SECRET_WORD}{}+{}+{}\n",
            self.name(),
            self.id(),
            encoded.as_str(),
        ));
        durable.write_new_private(&secret, text.as_bytes())?;
        durable.write_new(&public, format!("{}\n", self.public).as_bytes())?;
        Ok(())
    }

    /// Returns the public half with its name.
    pub fn verifier(&self) -> &VerifierKey {
        &self.public
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        self.public.name()
    }

    /// Returns the key id: eight hexadecimal digits.
    pub fn id(&self) -> String {
        key_id(&self.public)
    }

    fn from_seed(name: &str, seed: Zeroizing<[u8; 32]>) -> Result<Self, String> {
        let signer = FileKey::from_seed(&seed);
        let key = PublicKey::from_bytes(&signer.public()).map_err(|e| e.to_string())?;
        let public = VerifierKey::new(name, KeyType::Ed25519, key).map_err(|e| e.to_string())?;
        Ok(Self { public, seed, signer })
    }
}

const NAME_HELP: &str = "write a name such as records.example.com/agent-1 or finance-manager";

/// Returns the id of a public key: eight hexadecimal digits.
pub fn key_id(key: &VerifierKey) -> String {
    key.id().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a public key file: one line, and comments.
pub fn load_public(path: &Path) -> Result<VerifierKey, UserError> {
    let unusable = |why: String| {
        UserError::new(&code::KEY_UNUSABLE, format!("{} is no public key: {why}", path.display()))
            .with_help("a public key is one line, NAME+ID+KEY, as `quietus key` prints it")
    };
    let file = open(path)?;
    let mut text = String::new();
    file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text).map_err(|e| unusable(e.to_string()))?;
    let line = key_line(&text).ok_or_else(|| unusable("it has no line with a key".into()))?;
    line.parse().map_err(|e: VerifierKeyError| unusable(e.to_string()))
}

/// The two keys of an agent.
#[derive(Debug)]
pub struct AgentKeys {
    /// Signs checkpoints; auditors pin its public half.
    pub log: SecretKey,
    /// Signs certificates; the ledger's first entry names its public half.
    pub certificate: SecretKey,
}

impl AgentKeys {
    /// Reads both keys of a programme's `keys` folder.
    pub fn load(keys: &Path) -> Result<Self, UserError> {
        let pair = Self {
            log: SecretKey::load(&keys.join("log.key"))?,
            certificate: SecretKey::load(&keys.join("certificate.key"))?,
        };
        if pair.log.public() == pair.certificate.public() {
            return Err(UserError::new(
                &code::KEY_UNUSABLE,
                format!("{}: log.key and certificate.key are the same key", keys.display()),
            )
            .with_help("one signs the ledger, the other the certificates: they must differ"));
        }
        Ok(pair)
    }

    /// Makes both keys of a new agent.
    pub fn create(durable: &Durable, keys: &Path, origin: &str) -> Result<Self, UserError> {
        let pair = Self {
            log: SecretKey::generate(origin)?,
            certificate: SecretKey::generate(&format!("{origin}/certificates"))?,
        };
        durable.create_dir(keys)?;
        let about = format!("Signs the ledger of {origin}.");
        pair.log.store(durable, &keys.join("log"), &about)?;
        let about = format!("Signs the disposal certificates of {origin}.");
        pair.certificate.store(durable, &keys.join("certificate"), &about)?;
        Ok(pair)
    }
}

fn open(path: &Path) -> Result<std::fs::File, UserError> {
    std::fs::File::open(path).map_err(|error| {
        let (code, help) = match error.kind() {
            std::io::ErrorKind::NotFound => (
                &code::KEY_MISSING,
                "`quietus init` makes the keys of a new programme; a lost key comes back from its \
                 safe copy only",
            ),
            _ => (&code::KEY_UNUSABLE, "let the agent's account read it"),
        };
        UserError::new(code, format!("{} cannot be read: {error}", path.display())).with_help(help)
    })
}

fn read_secret(path: &Path) -> Result<Zeroizing<String>, UserError> {
    let file = open(path)?;
    let unreadable = |error: std::io::Error| {
        UserError::new(&code::KEY_UNUSABLE, format!("{} cannot be read: {error}", path.display()))
            .with_help("a key file is text, as `quietus key` writes it")
    };
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.mode() & 0o077 != 0 {
        return Err(UserError::new(
            &code::KEY_EXPOSED,
            format!("{} can be read by others than its owner", path.display()),
        )
        .with_help(format!(
            "run `chmod 600 {}`; if somebody else may have read it, it is no longer a secret: \
             make a new key",
            path.display()
        )));
    }
    let mut text = Zeroizing::new(String::with_capacity(1024));
    file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

fn key_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))
}

fn with_suffix(stem: &Path, suffix: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_os_string();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn stored() -> (tempfile::TempDir, SecretKey) {
        let dir = tempfile::tempdir().unwrap();
        let key = SecretKey::generate("records.example.com/agent-1").unwrap();
        key.store(&Durable::new(), &dir.path().join("log"), "Signs.\nAlways.").unwrap();
        (dir, key)
    }

    fn code_of(result: Result<SecretKey, UserError>) -> &'static str {
        result.unwrap_err().code.name
    }

    #[test]
    fn a_stored_key_is_read_back_and_signs_alike() {
        let (dir, key) = stored();
        let read = SecretKey::load(&dir.path().join("log.key")).unwrap();
        assert_eq!(read.verifier(), key.verifier());
        assert_eq!(read.sign(b"x").unwrap(), key.sign(b"x").unwrap());
        assert_eq!(&load_public(&dir.path().join("log.pub")).unwrap(), key.verifier());
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_command_that_helps() {
        let (dir, _) = stored();
        let path = dir.path().join("log.key");
        for mode in [0o640, 0o604, 0o660] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = SecretKey::load(&path).unwrap_err();
            assert_eq!(error.code.name, "key_exposed");
            assert!(error.help.unwrap().contains("chmod 600"));
        }
    }

    #[test]
    fn a_seed_is_never_printed() {
        let (dir, key) = stored();
        let text = std::fs::read_to_string(dir.path().join("log.key")).unwrap();
        let secret = text.trim_end().rsplit('+').next().unwrap();
        assert!(!format!("{key:?}").contains(secret));
        assert!(format!("{key:?}").contains("hidden"));
    }

    #[test]
    fn key_files_are_never_overwritten() {
        let (dir, key) = stored();
        let again = key.store(&Durable::new(), &dir.path().join("log"), "x").unwrap_err();
        assert_eq!(again.code.name, "file_exists");
    }

    #[test]
    fn every_changed_key_file_is_refused() {
        let (dir, _) = stored();
        let path = dir.path().join("log.key");
        let good = std::fs::read_to_string(&path).unwrap();
        let name = "agent-1";
        for bad in [
            String::new(),
            "# nothing\n".into(),
            good.replace("PRIVATE+KEY+", ""),
            good.replace(name, "agent-2"),
            good.replace("==", ""),
            good.trim_end().trim_end_matches(|c| c != '+').to_owned(),
            "PRIVATE+KEY+a+00000000+AQ==\n".into(),
        ] {
            if bad == good {
                continue;
            }
            let file = tempfile::NamedTempFile::new().unwrap();
            std::io::Write::write_all(&mut file.as_file(), bad.as_bytes()).unwrap();
            assert_eq!(code_of(SecretKey::load(file.path())), "key_unusable", "{bad}");
        }
        assert_eq!(code_of(SecretKey::load(&dir.path().join("no.key"))), "key_missing");
    }

    #[test]
    fn an_agent_has_two_different_keys() {
        let dir = tempfile::tempdir().unwrap();
        let keys = dir.path().join("keys");
        AgentKeys::create(&Durable::new(), &keys, "example.com/a").unwrap();
        let pair = AgentKeys::load(&keys).unwrap();
        assert_eq!(pair.certificate.name(), "example.com/a/certificates");
        for suffix in ["key", "pub"] {
            let log = keys.join(format!("log.{suffix}"));
            let certificate = keys.join(format!("certificate.{suffix}"));
            rustix::fs::unlink(&certificate).unwrap();
            std::fs::copy(log, certificate).unwrap();
        }
        assert_eq!(AgentKeys::load(&keys).unwrap_err().code.name, "key_unusable");
    }

    #[test]
    fn random_bytes_differ() {
        assert_ne!(random_bytes::<32>().unwrap(), random_bytes::<32>().unwrap());
    }
}
