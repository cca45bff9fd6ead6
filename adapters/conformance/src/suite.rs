//! Runs all cases over a testbed.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::cases;
use crate::lies::Lie;
use crate::report::{CaseReport, CaseResult, Failure, Report, Verdict};
use crate::room::Bench;
use crate::testbed::{Ability, Testbed};
use crate::{capture, watch::Watch};

pub(crate) type Running<'b> = Pin<Box<dyn Future<Output = CaseResult> + Send + 'b>>;

/// One claim, and how to check it.
pub(crate) struct Case {
    pub name: &'static str,
    pub needs: &'static [Ability],
    pub run: for<'b> fn(&'b Bench<'b>) -> Running<'b>,
}

/// Makes a [`Case`] of an async function.
macro_rules! case {
    ($name:literal, $function:path) => {
        case!($name, $function, [])
    };
    ($name:literal, $function:path, [$($need:expr),*]) => {
        $crate::suite::Case {
            name: $name,
            needs: &[$($need),*],
            run: |bench| Box::pin($function(bench)),
        }
    };
}
pub(crate) use case;

static RUNS: AtomicU32 = AtomicU32::new(1);

/// Runs every case that applies, and says what became of each.
pub async fn run(testbed: &dyn Testbed) -> Report {
    run_with(testbed, None, &|_| true).await
}

/// Runs the suite over an adapter that is made to lie.
pub async fn run_lying(testbed: &dyn Testbed, lie: Lie) -> Report {
    run_with(testbed, Some(lie), &|_| true).await
}

/// Returns whether one case catches a lie on this testbed; runs no other case.
///
/// For a testbed's own negative controls. A case that does not apply catches nothing.
pub async fn is_caught(testbed: &dyn Testbed, lie: Lie, case: &str) -> bool {
    let report = run_with(testbed, Some(lie), &|name| name == case).await;
    report.failed().contains(&case)
}

/// Runs the suite, prints the report, and panics unless every case that applied passed.
pub async fn assert_conformant(testbed: &dyn Testbed) {
    let report = run(testbed).await;
    println!("{report}");
    assert!(report.is_conformant(), "not conformant: {:?}", report.failed());
}

async fn run_with(
    testbed: &dyn Testbed,
    lie: Option<Lie>,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> Report {
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let marker = format!("zq{}x{run}w", std::process::id());
    capture::watch(&marker);
    let bench = Bench {
        testbed,
        abilities: testbed.abilities(),
        watch: Watch::new(&marker, testbed.deadline()),
        lie,
        orders: AtomicU32::new(1),
        targets: Mutex::default(),
    };
    let mut reports = Vec::new();
    for case in cases::all().into_iter().filter(|case| wanted(case.name)) {
        reports.push(CaseReport { name: case.name, verdict: judge(&bench, &case).await });
    }
    // Last, for they judge what the others collected.
    reports.extend(cases::collected(&bench, capture::finish(&marker)));
    Report { testbed: testbed.name().to_owned(), cases: reports }
}

async fn judge<'b>(bench: &'b Bench<'b>, case: &Case) -> Verdict {
    let lacking: Vec<String> =
        case.needs.iter().filter(|a| !bench.can(**a)).map(|a| format!("{a:?}")).collect();
    if !lacking.is_empty() {
        return Verdict::NotApplicable(format!("the target lacks {}", lacking.join(", ")));
    }
    let mut running = (case.run)(bench);
    let guarded = std::future::poll_fn(move |context| {
        let poll = AssertUnwindSafe(|| running.as_mut().poll(context));
        match std::panic::catch_unwind(poll) {
            Ok(std::task::Poll::Pending) => std::task::Poll::Pending,
            Ok(std::task::Poll::Ready(result)) => std::task::Poll::Ready(Some(result)),
            Err(_) => std::task::Poll::Ready(None),
        }
    });
    let result = guarded.await;
    let beside = bench.nothing_beside_changed().await;
    if let Err(Failure(why)) = beside {
        bench.watch.with(|b| b.beside.push(format!("{}: {why}", case.name)));
    }
    match result {
        Some(Ok(())) => Verdict::Passed,
        Some(Err(failure)) => Verdict::Failed(failure.0),
        None => Verdict::Failed("something panicked".to_owned()),
    }
}
