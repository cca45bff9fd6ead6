//! Stands between suite and adapter: deadlines, the form of answers, and leaks in every text.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use quietus_contract::{
    Absence, Adapter, AdapterError, Cursor, DisposalOrder, Disposer, ErrorKind, Inventory, Locator,
    Outcome, Page, Probe, Record, RecordRef, ResidualCopies, Result, Scope, Survey, SystemConfig,
    Uncovered,
};

use crate::capture;

/// What went wrong in any case, kept for the cases of `all`.
#[derive(Debug, Default)]
pub(crate) struct Breaches {
    /// Calls that were late.
    pub late: Vec<String>,
    /// Texts with a marker or secret in them.
    pub leaks: Vec<String>,
    /// Answers of a wrong form.
    pub form: Vec<String>,
    /// Cases after which something beside the scope had changed.
    pub beside: Vec<String>,
}

/// What to look for; shared by all cases of one run.
#[derive(Clone)]
pub(crate) struct Watch {
    pub marker: Arc<str>,
    pub deadline: Duration,
    pub breaches: Arc<Mutex<Breaches>>,
}

impl Watch {
    pub fn new(marker: &str, deadline: Duration) -> Self {
        Self { marker: marker.into(), deadline, breaches: Arc::default() }
    }

    pub fn with<T>(&self, act: impl FnOnce(&mut Breaches) -> T) -> T {
        act(&mut self.breaches.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Opens a system for reading, watched.
    pub async fn inventory(
        &self,
        adapter: &dyn Adapter,
        system: &SystemConfig,
    ) -> Result<Watched<dyn Inventory>> {
        let eye = self.eye(system);
        let inner = eye.call("open_inventory", adapter.open_inventory(system)).await?;
        Ok(Watched { inner, eye })
    }

    /// Opens a system for disposal, watched.
    pub async fn disposer(
        &self,
        adapter: &dyn Adapter,
        system: &SystemConfig,
    ) -> Result<Watched<dyn Disposer>> {
        let eye = self.eye(system);
        let inner = eye.call("open_disposer", adapter.open_disposer(system)).await?;
        Ok(Watched { inner, eye })
    }

    fn eye(&self, system: &SystemConfig) -> Eye {
        let secret = system.secret.as_ref().map(|s| s.reveal().to_owned());
        let secret = secret.filter(|s| !s.is_empty());
        if let Some(secret) = &secret {
            capture::watch_secret(&self.marker, secret);
        }
        Eye { watch: self.clone(), secret }
    }
}

/// One opened system's view: the secret differs from account to account.
struct Eye {
    watch: Watch,
    secret: Option<String>,
}

impl Eye {
    async fn call<T>(
        &self,
        call: &str,
        answer: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        // The adapter gets what it asks for, and a little: the machine may be busy.
        match tokio::time::timeout(self.watch.deadline, answer).await {
            Ok(answer) => {
                if let Err(error) = &answer {
                    self.error(call, error);
                }
                answer
            }
            Err(_) => {
                self.watch.with(|b| b.late.push(call.to_owned()));
                Err(AdapterError::new(ErrorKind::Broken, format!("{call} outlasted its deadline")))
            }
        }
    }

    fn error(&self, call: &str, error: &AdapterError) {
        self.text(call, &format!("{error} {error:?}"));
        self.text(call, error.help.as_deref().unwrap_or_default());
        let mut cause = error.source();
        while let Some(error) = cause {
            self.text(call, &format!("{error} {error:?}"));
            cause = error.source();
        }
    }

    fn text(&self, call: &str, text: &str) {
        let secret = self.secret.as_deref().is_some_and(|s| text.contains(s));
        if secret || text.contains(&*self.watch.marker) {
            self.watch.with(|b| b.leaks.push(format!("{call} said: {text}")));
        }
    }

    fn texts<'t>(&self, call: &str, texts: impl IntoIterator<Item = &'t String>) {
        for text in texts {
            self.text(call, text);
        }
    }

    fn form(&self, fine: bool, breach: impl FnOnce() -> String) {
        if !fine {
            self.watch.with(|b| b.form.push(breach()));
        }
    }

    fn record(&self, scope: &Scope, record: &Record) {
        let holding = &scope.holding;
        self.form(record.dates.len() == holding.dates.len(), || "a date too few or many".into());
        self.form(record.fields.len() == holding.fields.len(), || "a field too few or many".into());
        let version = record.reference.version.as_bytes().len();
        self.form(version <= 255, || format!("a version has {version} bytes"));
        self.form(version > 0, || "a version is empty".into());
        let locator = &record.reference.locator;
        let again = Locator::from_canonical(locator.as_str());
        self.form(again.as_ref() == Some(locator), || "a locator is not canonical".into());
    }

    fn copies(&self, call: &str, residual: &ResidualCopies) {
        for copy in &residual.copies {
            self.texts(call, [&copy.place, &copy.kind]);
            self.form(!copy.kind.is_empty() && !copy.place.is_empty(), || {
                "a residual copy has no kind or no place".into()
            });
        }
    }
}

/// An opened system, watched.
pub(crate) struct Watched<I: ?Sized> {
    inner: Box<I>,
    eye: Eye,
}

#[async_trait]
impl<I: Inventory + ?Sized> Inventory for Watched<I> {
    async fn probe(&self) -> Result<Probe> {
        let probe = self.eye.call("probe", self.inner.probe()).await?;
        self.eye.texts("probe", probe.rights.iter().chain(&probe.notes));
        self.eye.texts("probe", [&probe.account, &probe.product, &probe.identity.0]);
        let can = probe.capabilities;
        self.eye.form(can.order_records_max > 0 && can.page_records_max > 0, || {
            "an order or a page has no room for one record".into()
        });
        self.eye.form(!probe.identity.0.is_empty(), || "the identity is empty".into());
        Ok(probe)
    }

    async fn survey(&self, scope: &Scope) -> Result<Survey> {
        let survey = self.eye.call("survey", self.inner.survey(scope)).await?;
        self.eye.texts("survey", survey.notes.iter().chain([&survey.store, &survey.space]));
        self.eye.texts("survey", [&survey.method.technique, &survey.method.strength]);
        self.eye.copies("survey", &survey.residual);
        Ok(survey)
    }

    async fn page(&self, scope: &Scope, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let page = self.eye.call("page", self.inner.page(scope, after, limit)).await?;
        self.eye.form(page.records.len() <= limit, || {
            format!("a page of at most {limit} has {} records", page.records.len())
        });
        page.records.iter().for_each(|r| self.eye.record(scope, r));
        Ok(page)
    }

    async fn look(&self, scope: &Scope, locators: &[Locator]) -> Result<Vec<Option<Record>>> {
        let found = self.eye.call("look", self.inner.look(scope, locators)).await?;
        self.eye.form(found.len() == locators.len(), || "look: not one answer for each".into());
        found.iter().flatten().for_each(|r| self.eye.record(scope, r));
        let named = found.iter().zip(locators).filter_map(|(r, l)| Some((r.as_ref()?, l)));
        for (record, locator) in named {
            self.eye.form(record.reference.locator == *locator, || {
                "look: another record than the one asked for".into()
            });
        }
        Ok(found)
    }

    async fn verify_absent(&self, scope: &Scope, records: &[RecordRef]) -> Result<Vec<Absence>> {
        let call = self.inner.verify_absent(scope, records);
        let found = self.eye.call("verify_absent", call).await?;
        self.eye
            .form(found.len() == records.len(), || "verify_absent: not one answer for each".into());
        for absence in &found {
            if let Absence::Unknown { reason } = absence {
                self.eye.text("verify_absent", reason);
            }
        }
        Ok(found)
    }

    async fn uncovered(&self, scopes: &[Scope]) -> Result<Vec<Uncovered>> {
        let found = self.eye.call("uncovered", self.inner.uncovered(scopes)).await?;
        self.eye.texts("uncovered", found.iter().map(|u| &u.container));
        Ok(found)
    }

    async fn residual_copies(
        &self,
        scope: &Scope,
        records: &[RecordRef],
    ) -> Result<ResidualCopies> {
        let call = self.inner.residual_copies(scope, records);
        let found = self.eye.call("residual_copies", call).await?;
        self.eye.copies("residual_copies", &found);
        Ok(found)
    }
}

#[async_trait]
impl<D: Disposer + ?Sized> Disposer for Watched<D> {
    async fn dispose(&self, order: &DisposalOrder) -> Result<Vec<Outcome>> {
        let outcomes = self.eye.call("dispose", self.inner.dispose(order)).await?;
        self.eye.form(outcomes.len() == order.records().len(), || {
            format!("{} outcomes for {} records", outcomes.len(), order.records().len())
        });
        for outcome in &outcomes {
            match outcome {
                Outcome::Held { by: text, .. }
                | Outcome::Refused { reason: text }
                | Outcome::NotAttempted { reason: text }
                | Outcome::Indeterminate { reason: text } => self.eye.text("dispose", text),
                Outcome::Disposed { .. } | Outcome::AlreadyAbsent | Outcome::Changed => {}
            }
        }
        Ok(outcomes)
    }

    async fn release(&self, scope: &Scope, records: &[RecordRef]) -> Result<()> {
        self.eye.call("release", self.inner.release(scope, records)).await
    }
}
