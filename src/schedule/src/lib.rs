//! The retention schedule: its language, its checks and its date rules. Pure: no I/O, no clock.
