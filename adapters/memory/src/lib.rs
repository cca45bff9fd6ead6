//! The reference target, in memory, with injectable faults.
