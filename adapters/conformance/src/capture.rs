//! Reads every log line and span of the process, and remembers those that have a marker in them.

use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Lines that one marker keeps at most.
const LINES_MAX: usize = 20;

static MARKERS: Mutex<Vec<Marked>> = Mutex::new(Vec::new());
static INSTALL: Once = Once::new();
static SPANS: AtomicU64 = AtomicU64::new(1);

struct Marked {
    marker: String,
    secrets: Vec<String>,
    lines: Vec<String>,
}

/// Starts to look for a marker in all logs of the process.
///
/// # Behavior
///
/// - All levels of this project's crates count; of other crates `info` and above, as the agent
///   never shows more of them.
/// - Where another subscriber is installed already, nothing is seen, not even [`CONTROL`].
pub(crate) fn watch(marker: &str) {
    INSTALL.call_once(|| {
        if tracing::subscriber::set_global_default(Reader).is_err() {
            eprintln!("conformance: another subscriber is installed, logs cannot be read");
        }
    });
    let (secrets, lines) = (Vec::new(), Vec::new());
    markers().push(Marked { marker: marker.to_owned(), secrets, lines });
    tracing::trace!(marker, "{CONTROL}");
}

/// The line that [`watch`] logs itself: it must be among those that were read.
pub(crate) const CONTROL: &str = "the suite reads the logs";

/// Looks for a secret as well, for the run of that marker.
pub(crate) fn watch_secret(marker: &str, secret: &str) {
    let mut markers = markers();
    let Some(marked) = markers.iter_mut().find(|m| m.marker == marker) else { return };
    if !marked.secrets.iter().any(|s| s == secret) {
        marked.secrets.push(secret.to_owned());
    }
}

/// Stops to look for a marker, and returns the lines that had it.
pub(crate) fn finish(marker: &str) -> Vec<String> {
    let mut markers = markers();
    let at = markers.iter().position(|m| m.marker == marker);
    at.map(|at| markers.swap_remove(at).lines).unwrap_or_default()
}

fn markers() -> MutexGuard<'static, Vec<Marked>> {
    MARKERS.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Reader;

/// All fields of one event or span as text.
#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a String cannot fail.
        write!(self.0, " {}={value:?}", field.name()).unwrap_or_default();
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.0, " {}={value}", field.name()).unwrap_or_default();
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        write!(self.0, " {}={value} {value:?}", field.name()).unwrap_or_default();
    }
}

impl Line {
    fn keep(self, what: &str) {
        for marked in markers().iter_mut() {
            let told = self.0.contains(&marked.marker)
                || marked.secrets.iter().any(|s| self.0.contains(s.as_str()));
            if told && marked.lines.len() < LINES_MAX {
                marked.lines.push(format!("{what}:{}", self.0));
            }
        }
    }
}

impl Subscriber for Reader {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO || metadata.target().starts_with("quietus")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line::default();
        span.record(&mut line);
        line.keep(span.metadata().name());
        Id::from_u64(SPANS.fetch_add(1, Ordering::Relaxed).max(1))
    }

    fn record(&self, _span: &Id, values: &Record<'_>) {
        let mut line = Line::default();
        values.record(&mut line);
        line.keep("a span");
    }

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        line.keep(event.metadata().target());
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}
