//! Certificates, ledger, checkpoints, bundles and their verification. Pure: no I/O, no clock, no randomness.
