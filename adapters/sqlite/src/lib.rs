//! Records that are rows of a SQLite database.
