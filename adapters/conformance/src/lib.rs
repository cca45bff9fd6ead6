//! The shared suite that every adapter must pass, and adapters that lie.
