//! The suite does not trust testbeds either.

#![cfg(test)]

use std::sync::Arc;

use async_trait::async_trait;
use quietus_conformance::{
    Ability, Contents, Done, MemoryBed, Seed, Target, Testbed, Verdict, run,
};
use quietus_contract::{Action, Adapter, Locator, Scope, SystemConfig};

const HONEST: MemoryBed = MemoryBed { transactional: false };

/// How a testbed's other route is wrong.
#[derive(Clone, Copy)]
enum Flaw {
    /// It shows nothing.
    Blind,
    /// It shows what was there at first.
    Stale,
    /// It shows names, and no content.
    NamesOnly,
}

struct FlawedBed(Flaw);

struct FlawedTarget {
    flaw: Flaw,
    honest: Box<dyn Target>,
    first: Contents,
}

#[async_trait]
impl Testbed for FlawedBed {
    fn name(&self) -> &str {
        "flawed"
    }

    fn abilities(&self) -> Vec<Ability> {
        Vec::new()
    }

    async fn fresh(&self, seeds: &[Seed]) -> Done<Box<dyn Target>> {
        let honest = HONEST.fresh(seeds).await?;
        let first = honest.contents().await?;
        Ok(Box::new(FlawedTarget { flaw: self.0, honest, first }))
    }
}

#[async_trait]
impl Target for FlawedTarget {
    fn adapter(&self) -> Arc<dyn Adapter> {
        self.honest.adapter()
    }

    fn system(&self) -> SystemConfig {
        self.honest.system()
    }

    fn scope(&self, action: Action) -> Scope {
        self.honest.scope(action)
    }

    fn locator(&self, name: &str) -> Locator {
        self.honest.locator(name)
    }

    async fn contents(&self) -> Done<Contents> {
        let mut contents = self.honest.contents().await?;
        match self.flaw {
            Flaw::Blind => Ok(Contents::default()),
            Flaw::Stale => Ok(self.first.clone()),
            Flaw::NamesOnly => {
                contents.records.values_mut().for_each(String::clear);
                Ok(contents)
            }
        }
    }

    async fn add(&self, seed: &Seed) -> Done {
        self.honest.add(seed).await
    }

    async fn change(&self, name: &str) -> Done {
        self.honest.change(name).await
    }

    async fn remove(&self, name: &str) -> Done {
        self.honest.remove(name).await
    }
}

async fn fails(flaw: Flaw) {
    let report = run(&FlawedBed(flaw)).await;
    assert!(report.failed().contains(&"testbed/other_route_sees_what_happens"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn blind_testbed_fails() {
    fails(Flaw::Blind).await;
}

#[tokio::test(start_paused = true)]
async fn stale_testbed_fails() {
    fails(Flaw::Stale).await;
}

#[tokio::test(start_paused = true)]
async fn testbed_that_shows_names_only_fails() {
    fails(Flaw::NamesOnly).await;
}

/// Own holds are claimed, and nothing in this testbed can show them.
#[tokio::test(start_paused = true)]
async fn claim_that_no_ability_exercises_fails() {
    let report = run(&FlawedBed(Flaw::Blind)).await;
    let case = report.cases.iter().find(|c| c.name == "probe/claims_can_be_exercised").unwrap();
    assert!(matches!(&case.verdict, Verdict::Failed(why) if why.contains("OwnHolds")), "{report}");
}
