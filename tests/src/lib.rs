//! The tests that look at the whole house.
