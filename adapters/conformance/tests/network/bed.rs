//! Memory's testbed, with a connection and a proxy between adapter and store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::Date;
use quietus_conformance::proxy::{self, Cut, Proxy, Times, Trigger};
use quietus_conformance::{
    Ability, Account, Contents, Done, Fault, MemoryBed, PlantedCopy, Seed, Target, Testbed,
};
use quietus_contract::{Action, Adapter, DisposalOrder, Locator, Scope, SystemConfig};

use crate::remote::{DEADLINE, LATER, Server};

const MEMORY: MemoryBed = MemoryBed { transactional: true };

pub struct NetworkBed;

struct NetworkTarget {
    memory: Box<dyn Target>,
    server: Server,
    proxy: Proxy,
}

#[async_trait]
impl Testbed for NetworkBed {
    fn name(&self) -> &str {
        "memory behind a connection"
    }

    fn abilities(&self) -> Vec<Ability> {
        MEMORY.abilities()
    }

    async fn fresh(&self, seeds: &[Seed]) -> Done<Box<dyn Target>> {
        let memory = MEMORY.fresh(seeds).await?;
        let server = Server::start(memory.adapter()).await?;
        let proxy = Proxy::start(server.address).await?;
        Ok(Box::new(NetworkTarget { memory, server, proxy }))
    }

    fn deadline(&self) -> Duration {
        DEADLINE * 20
    }
}

fn aim(verb: &str) -> Trigger {
    Trigger::RequestWith(verb.as_bytes().to_vec())
}

#[async_trait]
impl Target for NetworkTarget {
    fn adapter(&self) -> Arc<dyn Adapter> {
        self.server.adapter_at(self.proxy.address(), self.memory.adapter().form())
    }

    fn system(&self) -> SystemConfig {
        self.memory.system()
    }

    fn scope(&self, action: Action) -> Scope {
        self.memory.scope(action)
    }

    fn scope_beside(&self) -> Option<Scope> {
        self.memory.scope_beside()
    }

    fn locator(&self, name: &str) -> Locator {
        self.memory.locator(name)
    }

    async fn contents(&self) -> Done<Contents> {
        self.memory.contents().await
    }

    async fn add(&self, seed: &Seed) -> Done {
        self.memory.add(seed).await
    }

    async fn change(&self, name: &str) -> Done {
        self.memory.change(name).await
    }

    async fn remove(&self, name: &str) -> Done {
        self.memory.remove(name).await
    }

    async fn redate(&self, name: &str, date: Date) -> Done {
        self.memory.redate(name, date).await
    }

    async fn hold(&self, name: &str) -> Done {
        self.memory.hold(name).await
    }

    async fn protect(&self, name: &str) -> Done {
        self.memory.protect(name).await
    }

    async fn account(&self, account: Account) -> Done<SystemConfig> {
        self.memory.account(account).await
    }

    async fn cut(&self) -> Done {
        self.proxy.cut_off();
        Ok(())
    }

    async fn fault(&self, fault: Fault) -> Done {
        use proxy::Fault::{Answer, Cut as Cuts, Stall};
        let inject = |fault, trigger, times| self.proxy.inject(fault, trigger, times);
        match fault {
            Fault::RequestLost => inject(Cuts(Cut::BeforeRequest), aim("dispose"), Times::Once),
            Fault::ResponseLost => inject(Cuts(Cut::BeforeResponse), aim("dispose"), Times::Once),
            Fault::ResponseCut => inject(Cuts(Cut::WithinResponse(5)), aim("dispose"), Times::Once),
            Fault::ListingCut => {
                inject(Cuts(Cut::WithinResponse(5)), aim("page"), Times::Once);
                inject(proxy::Fault::Truncate(5), aim("verify"), Times::Once);
            }
            Fault::Silent => inject(Stall, Trigger::NextRequest, Times::Always),
            Fault::Busy => {
                inject(Answer(LATER.as_bytes().to_vec()), Trigger::NextRequest, Times::Always);
            }
        }
        Ok(())
    }

    async fn mend(&self) -> Done {
        self.proxy.mend();
        Ok(())
    }

    async fn lag(&self, name: &str) -> Done {
        self.memory.lag(name).await
    }

    async fn bury(&self, name: &str) -> Done {
        self.memory.bury(name).await
    }

    async fn plant_copies(&self, name: &str) -> Done<Vec<PlantedCopy>> {
        self.memory.plant_copies(name).await
    }

    async fn requests(&self) -> Done<u64> {
        Ok(self.proxy.counts().requests)
    }

    async fn crash(&self, order: DisposalOrder, after: usize) -> Done {
        self.memory.crash(order, after).await
    }

    async fn leave(&self, name: &str) -> Done {
        self.memory.leave(name).await
    }

    async fn replace(&self) -> Done {
        self.memory.replace().await
    }

    fn forgotten(&self) -> Option<String> {
        self.memory.forgotten()
    }
}
