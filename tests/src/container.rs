//! Takes bundles apart and seals them again: what somebody could do who has no key.

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};

const BLOCK: usize = 512;
const INDEX: &str = "bundle.json";

/// A bundle in pieces.
#[derive(Clone, Debug)]
pub struct Pieces {
    /// Files in order, without `bundle.json`.
    pub files: Vec<(String, Vec<u8>)>,
    /// The kind and the log that `bundle.json` names.
    pub kind: String,
    /// The ledger's origin.
    pub log: String,
}

/// Takes a sound bundle apart.
pub fn open(bundle: &[u8]) -> Result<Pieces> {
    let mut pieces = Pieces { files: Vec::new(), kind: String::new(), log: String::new() };
    let mut at = 0;
    loop {
        let header = bundle.get(at..at + BLOCK).context("cut short")?;
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        let name: Vec<u8> = header.iter().copied().take_while(|byte| *byte != 0).collect();
        let name = String::from_utf8(name)?;
        let size = std::str::from_utf8(header.get(124..135).context("header")?)?;
        let size = usize::from_str_radix(size, 8)?;
        let data = bundle.get(at + BLOCK..at + BLOCK + size).context("cut short")?.to_vec();
        at += BLOCK + size.div_ceil(BLOCK) * BLOCK;
        if name == INDEX {
            let index: serde_json::Value = serde_json::from_slice(&data)?;
            let text = |key: &str| index.get(key).and_then(|v| v.as_str()).map(str::to_owned);
            pieces.kind = text("kind").context("kind")?;
            pieces.log = text("log").context("log")?;
        } else {
            pieces.files.push((name, data));
        }
    }
    ensure!(!pieces.kind.is_empty(), "no bundle.json");
    Ok(pieces)
}

fn role(name: &str) -> &'static str {
    match name {
        "README.txt" => "readme",
        "ledger/checkpoint" => "checkpoint",
        _ if name.starts_with("disclosures/") => "disclosure",
        _ if name.starts_with("evidence/") => "records",
        _ if name.starts_with("proofs/") => "proof",
        _ if name.ends_with(".dsse.json") => "envelope",
        _ if name.starts_with("ledger/certificates/") => "statement",
        _ if name.starts_with("ledger/tile/entries/") => "entries",
        _ => "tile",
    }
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn index(pieces: &Pieces) -> String {
    let listed: Vec<String> = pieces
        .files
        .iter()
        .map(|(name, data)| {
            format!(
                r#"{{"bytes":{},"path":"{name}","role":"{}","sha256":"{}"}}"#,
                data.len(),
                role(name),
                hex(&Sha256::digest(data))
            )
        })
        .collect();
    let Pieces { kind, log, .. } = pieces;
    format!(
        r#"{{"files":[{}],"format":"quietus-bundle/1","kind":"{kind}","log":"{log}"}}"#,
        listed.join(",")
    )
}

fn push(out: &mut Vec<u8>, name: &str, data: &[u8]) {
    let zeros = |n: usize| "0".repeat(n);
    let mut header = Vec::with_capacity(BLOCK);
    header.extend(name.as_bytes());
    header.resize(100, 0);
    header.extend(b"0000644\x000000000\x000000000\0");
    header.extend(format!("{:011o}\0{}\0", data.len(), zeros(11)).as_bytes());
    header.extend(b"        0");
    header.resize(257, 0);
    header.extend(b"ustar\x0000");
    header.resize(329, 0);
    header.extend(b"0000000\x000000000\0");
    header.resize(BLOCK, 0);
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header.splice(148..156, format!("{sum:06o}\0 ").into_bytes());
    out.extend(header);
    out.extend(data);
    out.resize(out.len().div_ceil(BLOCK) * BLOCK, 0);
}

/// Puts a bundle together: its `bundle.json` fits again whatever was changed.
pub fn seal(pieces: &Pieces) -> Vec<u8> {
    let mut out = Vec::new();
    let index = index(pieces);
    let mut written = false;
    for (name, data) in &pieces.files {
        if !written && name.as_str() > INDEX {
            push(&mut out, INDEX, index.as_bytes());
            written = true;
        }
        push(&mut out, name, data);
    }
    if !written {
        push(&mut out, INDEX, index.as_bytes());
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}
