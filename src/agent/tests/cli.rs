//! Transcripts of the command line: what people and programs see.

#![cfg(all(feature = "sqlite", feature = "filesystem"))]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]
#![expect(clippy::panic, reason = "a test says what went wrong by failing")]

#[path = "cli/bench.rs"]
mod bench;
#[path = "cli/disposal.rs"]
mod disposal;
#[path = "cli/files.rs"]
mod files;
#[path = "cli/holds.rs"]
mod holds;
#[path = "cli/json.rs"]
mod json;
#[path = "cli/quickstart.rs"]
mod quickstart;
