//! Pages of a holding, read ahead on another thread while the last one is judged.

use std::sync::Arc;

use quietus_contract::{AdapterError, Inventory, Page, Scope};
use tokio::sync::mpsc;

/// Records read at once.
const PAGE_RECORDS: usize = 4096;

/// Pages that wait to be judged at most.
const PAGES_AHEAD: usize = 2;

/// The pages of a holding, in order.
pub(super) struct Pages(mpsc::Receiver<Result<Page, AdapterError>>);

impl Pages {
    /// Begins to read. Dropping it ends the reading after the page at hand.
    pub(super) fn read(target: Arc<dyn Inventory>, scope: Scope) -> Self {
        let (sender, receiver) = mpsc::channel(PAGES_AHEAD);
        tokio::spawn(async move {
            let mut cursor = None;
            loop {
                let page = target.page(&scope, cursor.as_ref(), PAGE_RECORDS).await;
                cursor = page.as_ref().ok().and_then(|page| page.next.clone());
                // An error ends the reading, and so does a reader who left.
                if sender.send(page).await.is_err() || cursor.is_none() {
                    return;
                }
            }
        });
        Self(receiver)
    }

    /// Returns the next page; `None` after the last one.
    pub(super) async fn next(&mut self) -> Result<Option<Page>, AdapterError> {
        self.0.recv().await.transpose()
    }
}
