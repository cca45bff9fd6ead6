//! Enforces records retention and proves it.

pub mod approval;
pub mod clock;
pub mod durable;
pub mod error;
pub mod guard;
pub mod hold;
pub mod keys;
pub mod lock;
pub mod programme;
pub mod settings;
#[cfg(test)]
mod testing;
