//! Records that refer to records of their own table.
//!
//! A record may go only with all that refer to it, or after them; one that a record outside of the
//! order refers to stays, and so does everything that it refers to itself.

use std::collections::BTreeMap;

use quietus_contract::Locator;
use rusqlite::{Connection, Row};

use crate::row;
use crate::selection::Selection;
use crate::value::{self, Cell};

/// A record that was checked and may go.
#[derive(Debug)]
pub(crate) struct Ready {
    /// Its place in the order.
    pub(crate) place: usize,
    /// Its key.
    pub(crate) key: Vec<Cell>,
    /// What rows of members refer to.
    pub(crate) referred: Vec<Cell>,
    /// What other records refer to, one list for each foreign key of the table to itself.
    pub(crate) own: Vec<Vec<Cell>>,
    /// The new values of an anonymisation.
    pub(crate) treated: Vec<Cell>,
    /// How many rows go with it.
    pub(crate) members: u32,
}

impl Ready {
    /// Reads what the disposal of a record needs.
    pub(crate) fn read(
        selection: &Selection,
        place: usize,
        key: Vec<Cell>,
        row: &Row<'_>,
        referred: &[usize],
    ) -> rusqlite::Result<Self> {
        let cells = |positions: &mut dyn Iterator<Item = usize>| {
            positions.map(|p| row.get_ref(p).map(Cell::from)).collect::<rusqlite::Result<_>>()
        };
        let mut own = Vec::with_capacity(selection.graph.own.len());
        for key in &selection.graph.own {
            let names = &key.parent_columns;
            own.push(cells(&mut names.iter().filter_map(|name| selection.position(name)))?);
        }
        let mut treated = Vec::with_capacity(selection.treatments.len());
        for (position, treatment) in &selection.treatments {
            let old = Cell::from(row.get_ref(*position)?);
            treated.push(treatment.apply(&old, selection.epoch));
        }
        let referred = cells(&mut referred.iter().copied())?;
        Ok(Self { place, key, referred, own, treated, members: 0 })
    }
}

/// Puts records that refer to others before these, takes out those that must stay, and returns
/// the places of these in the order.
pub(crate) fn arrange(
    sqlite: &Connection,
    selection: &Selection,
    ready: &mut Vec<Ready>,
) -> rusqlite::Result<Vec<usize>> {
    let locator = |key: &[Cell]| -> Locator {
        let texts = selection.key.iter().map(|part| part.text);
        value::locator(key.iter().map(Cell::as_ref).zip(texts))
    };
    let numbers: BTreeMap<Locator, usize> =
        ready.iter().enumerate().map(|(n, record)| (locator(&record.key), n)).collect();
    // refers[x] = the records that x refers to; waits[r] = how many refer to r.
    let mut refers: Vec<Vec<usize>> = vec![Vec::new(); ready.len()];
    let mut waits = vec![0_usize; ready.len()];
    let mut stays = vec![false; ready.len()];
    for (nth, key) in selection.graph.own.iter().enumerate() {
        let sql = selection.referring(key);
        let mut statement = sqlite.prepare_cached(&sql.text)?;
        for (number, record) in ready.iter().enumerate() {
            let Some(values) = record.own.get(nth) else { continue };
            row::bind_from(&mut statement, 1, values)?;
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                let parts = 0..selection.key.len();
                let cells: rusqlite::Result<Vec<Cell>> =
                    parts.map(|part| row.get_ref(part).map(Cell::from)).collect();
                match numbers.get(&locator(&cells?)) {
                    Some(from) if *from == number => {}
                    Some(from) => {
                        refers.get_mut(*from).into_iter().for_each(|list| list.push(number));
                        waits.get_mut(number).into_iter().for_each(|count| *count += 1);
                    }
                    None => {
                        stays.get_mut(number).into_iter().for_each(|flag| *flag = true);
                        break;
                    }
                }
            }
        }
    }
    spread(&mut stays, &refers);
    let order = sequence(&stays, &refers, waits);
    let mut all: Vec<Option<Ready>> = ready.drain(..).map(Some).collect();
    ready.extend(order.iter().filter_map(|number| all.get_mut(*number).and_then(Option::take)));
    Ok(all.into_iter().flatten().map(|record| record.place).collect())
}

/// What a record that stays refers to must stay as well.
fn spread(stays: &mut [bool], refers: &[Vec<usize>]) {
    let mut waiting: Vec<usize> =
        stays.iter().enumerate().filter(|(_, s)| **s).map(|(n, _)| n).collect();
    while let Some(number) = waiting.pop() {
        for to in refers.get(number).into_iter().flatten() {
            if let Some(flag) = stays.get_mut(*to)
                && !*flag
            {
                *flag = true;
                waiting.push(*to);
            }
        }
    }
}

/// Returns the records that go, those that refer before those that are referred to; circles last.
fn sequence(stays: &[bool], refers: &[Vec<usize>], mut waits: Vec<usize>) -> Vec<usize> {
    let goes = |number: usize| stays.get(number) == Some(&false);
    let mut order: Vec<usize> =
        (0..stays.len()).filter(|n| goes(*n) && waits.get(*n) == Some(&0)).collect();
    let mut done = 0;
    while let Some(number) = order.get(done).copied() {
        done += 1;
        for to in refers.get(number).into_iter().flatten() {
            if let Some(count) = waits.get_mut(*to) {
                *count = count.saturating_sub(1);
                if *count == 0 && goes(*to) {
                    order.push(*to);
                }
            }
        }
    }
    let mut placed = vec![false; stays.len()];
    for number in &order {
        placed.get_mut(*number).into_iter().for_each(|flag| *flag = true);
    }
    order.extend((0..stays.len()).filter(|n| goes(*n) && placed.get(*n) == Some(&false)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_refer_go_first_and_circles_go_last() {
        // 0 <- 1 <- 2, and 3 <-> 4
        let refers = vec![vec![], vec![0], vec![1], vec![4], vec![3]];
        let waits = vec![1, 1, 0, 1, 1];
        assert_eq!(sequence(&[false; 5], &refers, waits), [2, 1, 0, 3, 4]);
    }

    #[test]
    fn what_a_staying_record_refers_to_stays() {
        let refers = vec![vec![], vec![0], vec![1], vec![]];
        let mut stays = [false, false, true, false];
        spread(&mut stays, &refers);
        assert_eq!(stays, [true, true, true, false]);
    }
}
