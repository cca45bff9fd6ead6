//! Enforces records retention and proves it.

pub mod clock;
pub mod durable;
pub mod error;
pub mod keys;
pub mod lock;
