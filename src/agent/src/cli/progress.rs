//! Progress bars, on a terminal only.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::progress::Watch;

/// How often the bar is drawn at most, in Hertz.
const REDRAWS: u8 = 10;
const TICK: Duration = Duration::from_millis(120);

/// A bar on stderr; nothing is drawn where nobody sits.
pub(super) struct Bar {
    bar: ProgressBar,
    stage: Mutex<String>,
}

impl Bar {
    pub fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden(), stage: Mutex::default() };
        }
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS);
        let bar = ProgressBar::with_draw_target(None, target);
        bar.enable_steady_tick(TICK);
        Self { bar, stage: Mutex::default() }
    }

    /// Takes the bar away.
    pub fn done(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Bar {
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

fn style(known: bool) -> ProgressStyle {
    let template = if known {
        "{spinner} {msg}  {wide_bar}  {human_pos}/{human_len}"
    } else {
        "{spinner} {msg}  {human_pos}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
