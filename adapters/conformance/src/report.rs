//! What the suite found.

use std::fmt;

/// What became of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The claim holds.
    Passed,
    /// It does not; in words.
    Failed(String),
    /// The target cannot be brought there; what it lacks.
    NotApplicable(String),
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseReport {
    /// The method and the claim: `dispose/changed_record_stays`.
    pub name: &'static str,
    /// What became of it.
    pub verdict: Verdict,
}

/// All cases, in the order in which they ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The testbed.
    pub testbed: String,
    /// The cases.
    pub cases: Vec<CaseReport>,
}

impl Report {
    /// Returns the names of the cases that failed.
    pub fn failed(&self) -> Vec<&'static str> {
        let failed = self.cases.iter().filter(|c| matches!(c.verdict, Verdict::Failed(_)));
        failed.map(|c| c.name).collect()
    }

    /// Returns the names of the cases that passed.
    pub fn passed(&self) -> Vec<&'static str> {
        self.cases.iter().filter(|c| c.verdict == Verdict::Passed).map(|c| c.name).collect()
    }

    /// Returns whether nothing failed, and something was shown at all.
    pub fn is_conformant(&self) -> bool {
        self.failed().is_empty() && !self.passed().is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for case in &self.cases {
            match &case.verdict {
                Verdict::Passed => writeln!(f, "pass  {}", case.name)?,
                Verdict::Failed(why) => writeln!(f, "FAIL  {}: {why}", case.name)?,
                Verdict::NotApplicable(why) => writeln!(f, "n/a   {}: {why}", case.name)?,
            }
        }
        let (passed, failed) = (self.passed().len(), self.failed().len());
        let rest = self.cases.len().saturating_sub(passed).saturating_sub(failed);
        write!(f, "{}: {passed} passed, {failed} failed, {rest} not applicable", self.testbed)
    }
}

/// Why a case failed.
#[derive(Debug)]
pub struct Failure(pub String);

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<quietus_contract::AdapterError> for Failure {
    fn from(error: quietus_contract::AdapterError) -> Self {
        Self(format!("the call failed: {error} ({:?})", error.kind))
    }
}

impl From<Box<dyn std::error::Error + Send + Sync>> for Failure {
    fn from(error: Box<dyn std::error::Error + Send + Sync>) -> Self {
        Self(format!("the testbed failed: {error}"))
    }
}

/// The result of a case.
pub type CaseResult<T = ()> = Result<T, Failure>;

/// Fails the case unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($why:tt)+) => {
        if !$condition {
            return Err($crate::report::Failure(format!($($why)+)));
        }
    };
}
pub(crate) use ensure;
