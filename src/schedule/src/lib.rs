//! The retention schedule: its language, its checks and its date rules. Pure: no I/O, no clock.
//!
//! ```text
//! source ---> the files as text
//! syntax ---> a spanned tree, and every syntax error in an owner's words
//! read -----> one file after the other into what its author said, with the place of each word
//! cross ----> what the files say of each other; then a `Programme`, or every defect at once
//! rules ----> one holding's rule: due, not due, or why nobody can tell
//! holds ----> whether a hold covers a record
//! print ----> the sentences that the meeting signs;  schema -> what editors check against
//! ```

mod check;
pub mod codes;
mod cross;
mod defect;
pub mod holds;
mod keys;
mod model;
mod period;
pub mod print;
mod read;
pub mod rules;
pub mod schema;
mod sheet;
mod source;
mod syntax;
mod template;
mod words;

pub use check::{Checked, check};
pub use defect::{Defect, Severity};
pub use holds::Hold;
pub use model::{
    Approval, Authority, Class, Clause, Connect, Cutoff, DateSource, Disposition, Holding,
    Programme, Register, Retention, Schedule, System, Terms, Variant, YearEnd, Years,
};
pub use period::{Period, Unit};
pub use quietus_contract::Place;
pub use source::{SourceFile, Sources};
pub use template::Template;
