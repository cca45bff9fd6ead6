//! Ways to break quietus on purpose, for the harnesses that must notice.
//!
//! A harness that has never seen a failure proves nothing. These switches exist only in builds
//! with the feature `sabotage`, which no shipped build has.

/// A property that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Records are disposed of before the intent is written down.
    IntentAfterDelete,
    /// The certificate rests on the target's return code, without a separate read.
    TrustReturnCode,
    /// After a crash the open run is dropped instead of resumed.
    NoRecovery,
}

/// Returns whether a property is broken on purpose.
#[cfg(feature = "sabotage")]
pub fn is(sabotage: Sabotage) -> bool {
    let word = match sabotage {
        Sabotage::IntentAfterDelete => "intent-after-delete",
        Sabotage::TrustReturnCode => "trust-return-code",
        Sabotage::NoRecovery => "no-recovery",
    };
    std::env::var("QUIETUS_SABOTAGE").is_ok_and(|asked| asked == word)
}

/// Returns false: nothing is broken on purpose in this build.
#[cfg(not(feature = "sabotage"))]
pub fn is(_sabotage: Sabotage) -> bool {
    false
}

#[cfg(feature = "sabotage")]
impl super::Execution<'_> {
    /// Disposes of a whole batch before its intent is written.
    #[expect(clippy::disallowed_methods, reason = "breaks P11 on purpose, in test builds only")]
    pub(super) async fn dispatch_unintended(
        &self,
        carried: &super::Carried<'_>,
    ) -> Result<(), crate::error::UserError> {
        let id = quietus_contract::OrderId { run: self.run.id.clone(), batch: 0, order: 0 };
        let records = carried.prepared.records.iter().map(|r| r.reference.clone()).collect();
        let scope = carried.selection.scope.clone();
        let order = quietus_contract::DisposalOrder::from_journal(id, scope, records);
        carried.target.dispose(&order).await?;
        Ok(())
    }
}

#[cfg(not(feature = "sabotage"))]
impl super::Execution<'_> {
    /// Does nothing: nothing is broken on purpose in this build.
    pub(super) async fn dispatch_unintended(
        &self,
        _carried: &super::Carried<'_>,
    ) -> Result<(), crate::error::UserError> {
        Ok(())
    }
}
