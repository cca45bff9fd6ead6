//! Records that are files below an enrolled root.
