//! Orders: the only place that makes a disposal order.

use quietus_contract::{DisposalOrder, OrderId, RecordRef, Scope};
use rusqlite::params;

use super::batch::{reasons_of, text_of};
use super::{BatchRow, Event, Fates, Journal, JournalError, Result, State, count, stored};

/// An order in the journal.
#[derive(Clone, Debug)]
pub struct OrderRow {
    /// Number in the batch, from 1.
    pub n: u32,
    /// Its state: dispatched, intended again after a look, or settled.
    pub state: State,
    /// First record, by position in the batch.
    pub start: u32,
    /// Records.
    pub records: u32,
    /// How often it was sent.
    pub attempts: u32,
    /// One byte for each record when it was last sent: zero for those that were sent, the fate of
    /// those that were kept back.
    pub kept: Vec<u8>,
    /// The fates, once it is settled.
    pub fates: Option<Fates>,
}

impl OrderRow {
    /// Makes an order that was never sent.
    pub fn new(n: u32, start: u32, records: u32) -> Self {
        Self {
            n,
            state: State::Intended,
            start,
            records,
            attempts: 0,
            kept: Vec::new(),
            fates: None,
        }
    }
}

impl Journal {
    /// Counts the records of the open run that were sent and whose answer nobody has.
    pub fn records_in_doubt(&self) -> Result<u64> {
        let mut select = self.db.prepare_cached(
            "SELECT coalesce(sum(o.records), 0) FROM batch_order o JOIN run r ON r.id = o.run
             WHERE r.closed_at IS NULL AND o.state = ?1",
        )?;
        count(select.query_row([State::Dispatched.word()], |row| row.get(0))?)
    }

    /// Returns the orders of a batch that were ever sent, in order.
    pub fn orders(&self, run: &str, batch: u32) -> Result<Vec<OrderRow>> {
        let mut select = self.db.prepare_cached(
            "SELECT n, state, start, records, attempts, kept, fates, reasons, members
             FROM batch_order WHERE run = ?1 AND batch = ?2 ORDER BY n",
        )?;
        let mut rows = select.query(params![run, batch])?;
        let mut orders = Vec::new();
        while let Some(row) = rows.next()? {
            let state: String = row.get("state")?;
            let bytes: Option<Vec<u8>> = row.get("fates")?;
            let fates = bytes
                .map(|bytes| {
                    let reasons = reasons_of(row.get("reasons")?)?;
                    Fates::from_bytes(&bytes, reasons, count(row.get("members")?)?)
                        .ok_or(JournalError::Damaged("an order's fates"))
                })
                .transpose()?;
            orders.push(OrderRow {
                n: row.get("n")?,
                state: State::from_word(&state).ok_or(JournalError::Damaged("an order's state"))?,
                start: row.get("start")?,
                records: row.get("records")?,
                attempts: row.get("attempts")?,
                kept: row.get::<_, Option<Vec<u8>>>("kept")?.unwrap_or_default(),
                fates,
            });
        }
        Ok(orders)
    }

    /// Writes down that an order is about to be sent, and makes it.
    ///
    /// A crash after this leaves the order dispatched: what became of its records is found out by
    /// reading the target.
    #[expect(clippy::disallowed_methods, reason = "this is the journal, the one maker of orders")]
    pub fn dispatch(
        &self,
        run: &str,
        batch: &BatchRow,
        order: &mut OrderRow,
        scope: Scope,
        records: Vec<RecordRef>,
    ) -> Result<DisposalOrder> {
        let next = order.state.after(Event::Dispatch)?;
        if batch.intent_seq.is_none() {
            return Err(JournalError::Damaged("an order without an intent"));
        }
        self.write(|tx| {
            tx.execute(
                "INSERT INTO batch_order (run, batch, n, state, start, records, attempts, kept)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT DO UPDATE SET state = ?4, attempts = ?7, kept = ?8",
                params![
                    run,
                    batch.batch.n,
                    order.n,
                    next.word(),
                    order.start,
                    order.records,
                    order.attempts + 1,
                    order.kept,
                ],
            )?;
            tx.execute(
                "UPDATE batch SET state = 'dispatched'
                 WHERE run = ?1 AND n = ?2 AND state = 'intended'",
                params![run, batch.batch.n],
            )?;
            Ok(())
        })?;
        order.state = next;
        order.attempts += 1;
        let id = OrderId { run: run.to_owned(), batch: batch.batch.n, order: order.n };
        Ok(DisposalOrder::from_journal(id, scope, records))
    }

    /// Writes the fates of an order's records.
    ///
    /// A crash before this leaves the order dispatched; after it, its records are verified.
    pub fn settle(&self, run: &str, batch: u32, order: &mut OrderRow, fates: Fates) -> Result<()> {
        let next = order.state.after(Event::Settle)?;
        self.write(|tx| {
            tx.execute(
                "INSERT INTO batch_order VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, ?8, ?9, ?10)
                 ON CONFLICT DO UPDATE SET state = ?4, fates = ?8, reasons = ?9, members = ?10",
                params![
                    run,
                    batch,
                    order.n,
                    next.word(),
                    order.start,
                    order.records,
                    order.attempts,
                    fates.bytes(),
                    text_of(&fates.reasons)?,
                    stored(fates.members)?,
                ],
            )?;
            Ok(())
        })?;
        order.state = next;
        order.fates = Some(fates);
        Ok(())
    }

    /// Notes that a look found records of a dispatched order still there as planned: the order
    /// may be sent again.
    pub fn found_untouched(&self, run: &str, batch: u32, order: &mut OrderRow) -> Result<()> {
        let next = order.state.after(Event::FoundUntouched)?;
        self.write(|tx| {
            tx.execute(
                "UPDATE batch_order SET state = ?4 WHERE run = ?1 AND batch = ?2 AND n = ?3",
                params![run, batch, order.n, next.word()],
            )?;
            Ok(())
        })?;
        order.state = next;
        Ok(())
    }
}
