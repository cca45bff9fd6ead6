//! Enforces records retention and proves it.
