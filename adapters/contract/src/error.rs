//! What can go wrong with a whole call.

/// An error of a call as a whole. It says nothing about any single record.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct AdapterError {
    /// What the caller may do about it.
    pub kind: ErrorKind,
    /// Whether the same call may succeed later.
    pub retry: Retry,
    /// What is wrong and where, without secrets, locators or content.
    pub message: String,
    /// What to do, for the operator.
    pub help: Option<String>,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl AdapterError {
    /// Makes an error that is not worth retrying.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, retry: Retry::Never, message: message.into(), help: None, source: None }
    }

    /// Adds what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Says that the same call may succeed later.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }
}

/// What the caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The target cannot be reached.
    Unreachable,
    /// The target does not let us.
    Denied,
    /// It is another target than the one that was enrolled.
    WrongTarget,
    /// The settings do not fit the target.
    Misconfigured,
    /// The target lacks something that is needed.
    Unsupported,
    /// The target answered what no such target should answer, or failed within.
    Broken,
}

/// Whether to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// No.
    Never,
    /// Yes, after a wait.
    Later,
}
