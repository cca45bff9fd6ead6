//! Progress bars, on a terminal only.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::words::number;
use crate::plan::StoredPlan;
use crate::progress::Watch;

/// How often the bar is drawn at most, in Hertz.
const REDRAWS: u8 = 10;
const TICK: Duration = Duration::from_millis(120);

/// A bar on stderr; nothing is drawn where nobody sits.
pub(super) struct Bar {
    bar: ProgressBar,
    announces: bool,
    stage: Mutex<String>,
}

impl Bar {
    pub fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            let bar = ProgressBar::hidden();
            return Self { bar, announces: false, stage: Mutex::default() };
        }
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS);
        let bar = ProgressBar::with_draw_target(None, target);
        bar.enable_steady_tick(TICK);
        Self { bar, announces: false, stage: Mutex::default() }
    }

    /// Says on stderr what is about to be disposed of, whoever sits there.
    pub fn announcing(mut self) -> Self {
        self.announces = true;
        self
    }

    /// Takes the bar away.
    pub fn done(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Bar {
    fn begins(&self, stored: &StoredPlan) {
        if !self.announces {
            return;
        }
        self.bar.suspend(|| {
            // Nobody may be listening; the work goes on all the same.
            writeln!(std::io::stderr().lock(), "{}", announcement(stored)).unwrap_or_default();
        });
    }

    fn step(&self, stage: &str, done: u64, total: Option<u64>) {
        if self.bar.is_hidden() {
            return;
        }
        if let Ok(mut known) = self.stage.lock()
            && *known != stage
        {
            stage.clone_into(&mut known);
            self.bar.reset();
            self.bar.set_style(style(total.is_some()));
            self.bar.set_message(stage.to_owned());
        }
        self.bar.set_length(total.unwrap_or(done).max(done));
        self.bar.set_position(done);
    }
}

/// Says which plan is carried out, what may go by it, and what its limits found.
fn announcement(stored: &StoredPlan) -> String {
    let plan = &stored.plan;
    let mut text = format!("Plan {}, as of {}, digest {}", plan.id, plan.as_of, stored.digest);
    for holding in plan.holdings.iter().filter(|h| h.counts.due > 0) {
        let limits = match holding.breaches.as_slice() {
            [] => "within its limits".to_owned(),
            [first, ..] => format!("over a limit, so nothing goes: {first}"),
        };
        text.push_str(&format!(
            "\n  {} in {}: {} due, {} held, {} planned; {limits}",
            holding.class,
            holding.system,
            number(holding.counts.due),
            number(holding.counts.held),
            number(holding.counts.planned),
        ));
    }
    text
}

fn style(known: bool) -> ProgressStyle {
    let template = if known {
        "{spinner} {msg}  {wide_bar}  {human_pos}/{human_len}"
    } else {
        "{spinner} {msg}  {human_pos}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
