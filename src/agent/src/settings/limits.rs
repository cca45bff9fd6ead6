//! Caps: how much may be disposed of in one run (P6).
//!
//! Three limits, each against another accident:
//!
//! - `records_max` bounds the damage of any mistake;
//! - `share_max_percent` catches a rule or a selector that has become too wide;
//! - `growth_max_times` catches a sudden change against what is usual for the class.
//!
//! A class with a yearly cutoff and a retention of n years gives up about 1/(n+1) of its records
//! on one day of the year: 12.5 % at 7 years, 25 % at 3 years. So 25 % lets every class of three
//! years and more run through its yearly peak, and stops for shorter ones, for a first run over a
//! backlog, and for a wrong rule; a person then looks, and raises the limit for that class.

use serde::{Deserialize, Serialize};

/// Disposals up to this many are not measured against the population or against earlier runs: of
/// ten records, three are a large share and no accident.
const JUDGED_ABOVE_RECORDS: u64 = 10;
/// Growth is measured once this many earlier runs disposed of something.
const HISTORY_RUNS_MIN: usize = 3;

/// The limits of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Records of one class in one run, at most.
    pub records_max: u64,
    /// Share of the records that the class has in one system, at most, in percent.
    pub share_max_percent: u64,
    /// Times the usual number of the class, at most.
    pub growth_max_times: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { records_max: 1000, share_max_percent: 25, growth_max_times: 3 }
    }
}

/// What is known of earlier runs of a class: how many records each one disposed of.
#[derive(Clone, Debug, Default)]
pub struct History {
    disposed: Vec<u64>,
}

impl History {
    /// Takes the numbers of earlier runs; runs that disposed of nothing say nothing of the usual.
    pub fn new(disposed: impl IntoIterator<Item = u64>) -> Self {
        let mut disposed: Vec<u64> = disposed.into_iter().filter(|n| *n > 0).collect();
        disposed.sort_unstable();
        Self { disposed }
    }

    /// Returns the usual number, the upper median, once enough is known.
    pub fn usual(&self) -> Option<u64> {
        (self.disposed.len() >= HISTORY_RUNS_MIN)
            .then(|| self.disposed.get(self.disposed.len() / 2).copied())
            .flatten()
    }
}

/// A limit that is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Breach {
    /// Too many records.
    Records {
        /// How many are due.
        due: u64,
        /// The limit.
        max: u64,
    },
    /// Too large a share.
    Share {
        /// How many are due.
        due: u64,
        /// Of how many.
        population: u64,
        /// The limit.
        max_percent: u64,
    },
    /// Much more than is usual.
    Growth {
        /// How many are due.
        due: u64,
        /// What is usual.
        usual: u64,
        /// The limit.
        max_times: u64,
    },
}

impl Breach {
    /// Returns the key in `quietus.toml` that sets the limit.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Records { .. } => "records_max",
            Self::Share { .. } => "share_max_percent",
            Self::Growth { .. } => "growth_max_times",
        }
    }

    /// Returns the least value of the key with which this would pass.
    pub fn would_pass_with(&self) -> u64 {
        match *self {
            Self::Records { due, .. } => due,
            Self::Share { due, population, .. } => {
                due.saturating_mul(100).div_ceil(population.max(1))
            }
            Self::Growth { due, usual, .. } => due.div_ceil(usual.max(1)),
        }
    }
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Records { due, max } => write!(f, "{due} records are due, the limit is {max}"),
            Self::Share { due, population, max_percent } => write!(
                f,
                "{due} of {population} records are due ({} %), the limit is {max_percent} %",
                self.would_pass_with(),
            ),
            Self::Growth { due, usual, max_times } => write!(
                f,
                "{due} records are due where {usual} are usual, the limit is {max_times} times that",
            ),
        }
    }
}

impl Limits {
    /// Returns every limit that a disposal would exceed; a batch over a limit fails whole.
    ///
    /// `population` is the number of records that the class has in the system, due or not; a
    /// share is not judged where nobody knows it.
    pub fn breaches(&self, due: u64, population: Option<u64>, history: &History) -> Vec<Breach> {
        let mut breaches = Vec::new();
        if due > self.records_max {
            breaches.push(Breach::Records { due, max: self.records_max });
        }
        if due <= JUDGED_ABOVE_RECORDS {
            return breaches;
        }
        let (max_percent, max_times) = (self.share_max_percent, self.growth_max_times);
        if let Some(population) = population
            && u128::from(due) * 100 > u128::from(population) * u128::from(max_percent)
        {
            breaches.push(Breach::Share { due, population, max_percent });
        }
        if let Some(usual) = history.usual()
            && u128::from(due) > u128::from(usual) * u128::from(max_times)
        {
            breaches.push(Breach::Growth { due, usual, max_times });
        }
        breaches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(limits: Limits, due: u64, population: u64, history: &[u64]) -> Vec<&'static str> {
        let history = History::new(history.iter().copied());
        limits.breaches(due, Some(population), &history).iter().map(Breach::key).collect()
    }

    #[test]
    fn each_limit_is_exact() {
        let limits = Limits::default();
        let many = 1_000_000;
        assert_eq!(keys(limits, 1000, many, &[]), [""; 0]);
        assert_eq!(keys(limits, 1001, many, &[]), ["records_max"]);
        assert_eq!(keys(limits, 25, 100, &[]), [""; 0]);
        assert_eq!(keys(limits, 26, 100, &[]), ["share_max_percent"]);
        assert_eq!(keys(limits, 30, many, &[10, 10, 10]), [""; 0]);
        assert_eq!(keys(limits, 31, many, &[10, 10, 10]), ["growth_max_times"]);
        assert_eq!(
            keys(limits, 1001, 1001, &[1, 1, 1]),
            ["records_max", "share_max_percent", "growth_max_times"]
        );
    }

    #[test]
    fn a_few_records_are_judged_by_number_alone() {
        let limits = Limits { records_max: 9, ..Limits::default() };
        assert_eq!(keys(Limits::default(), 10, 10, &[1, 1, 1]), [""; 0]);
        assert_eq!(keys(Limits::default(), 11, 11, &[]), ["share_max_percent"]);
        assert_eq!(keys(limits, 10, 1000, &[]), ["records_max"]);
    }

    #[test]
    fn the_usual_number_is_the_median_of_runs_that_did_something() {
        assert_eq!(History::new([0, 0, 5, 0, 7]).usual(), None);
        assert_eq!(History::new([0, 900, 5, 7]).usual(), Some(7));
    }

    #[test]
    fn a_share_of_nothing_known_is_a_share_of_everything() {
        assert!(Limits::default().breaches(11, None, &History::default()).is_empty());
        assert_eq!(keys(Limits::default(), 11, 0, &[]), ["share_max_percent"]);
    }

    #[test]
    fn the_value_that_helps_helps() {
        let history = History::new([3, 3, 3]);
        for (due, population) in [(1001, 1002), (12, 17), (77, 78)] {
            let mut limits = Limits::default();
            for breach in limits.breaches(due, Some(population), &history) {
                match breach {
                    Breach::Records { .. } => limits.records_max = breach.would_pass_with(),
                    Breach::Share { .. } => limits.share_max_percent = breach.would_pass_with(),
                    Breach::Growth { .. } => limits.growth_max_times = breach.would_pass_with(),
                }
            }
            assert!(limits.breaches(due, Some(population), &history).is_empty());
        }
    }
}
