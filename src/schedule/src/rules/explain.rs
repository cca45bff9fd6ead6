//! Every step of a verdict in words.

use std::fmt;

use super::Verdict;

/// A verdict with the steps that led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The verdict; the one that [`super::Rule::judge`] gives.
    pub verdict: Verdict,
    /// The steps, in order. A record that several dates keep has the steps of all of them.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The number of the rule.
    pub rule: u8,
    /// What it says here.
    pub words: String,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "rule {:>2}: {}", step.rule, step.words)?;
        }
        Ok(())
    }
}

/// What listens to the steps.
pub(super) trait Trace {
    /// Takes a step; the words are made only where someone listens.
    fn step(&mut self, rule: u8, words: impl FnOnce() -> String);
}

/// Nobody listens.
pub(super) struct Silent;

impl Trace for Silent {
    fn step(&mut self, _: u8, _: impl FnOnce() -> String) {}
}

impl Trace for Vec<Step> {
    fn step(&mut self, rule: u8, words: impl FnOnce() -> String) {
        self.push(Step { rule, words: words() });
    }
}
