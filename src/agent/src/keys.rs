//! Keys: the files they are kept in, and the randomness they are made of.

use crate::error::{UserError, code};

/// Fills an array from the operating system's random source, the only one in use.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], UserError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        UserError::new(&code::RANDOMNESS, format!("the system gives no random bytes: {error}"))
            .with_help("quietus makes no key and no run without them; see to /dev/urandom")
    })?;
    Ok(bytes)
}
