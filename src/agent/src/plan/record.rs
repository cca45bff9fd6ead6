//! One record of a frozen plan, and its bytes in a segment file.
//!
//! ```text
//! record   = length:u32 body              length counts the body's bytes
//! body     = due:i32 members:u32 size:u64 locator version dates fields
//! due                                     days from 1970-01-01; the first day on which it may go
//! size                                    u64::MAX where unknown
//! locator  = length:u32 bytes             version = length:u8 bytes
//! dates    = count:u8 date*               fields  = count:u8 field*
//! date     = 0 | 1 days:i32 | 2 days:i32 nanoseconds:i64 | 3 seconds:i64 nanoseconds:i32 | 4
//! field    = 0 | 1 length:u32 bytes
//! ```
//!
//! All numbers are little-endian. The file lives only until its run closes.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use quietus_contract::{DateValue, Locator, RecordRef, Version};

/// A record that the plan disposes of, with everything that the decision rested on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRecord {
    /// Where and in which state.
    pub reference: RecordRef,
    /// The first day on which it may be disposed of.
    pub due: Date,
    /// One value for each trigger of the rule; registers are filled in.
    pub dates: Vec<DateValue>,
    /// One value for each field of the holding.
    pub fields: Vec<Option<String>>,
    /// How many other things go with it.
    pub members: u32,
    /// Its size, where known.
    pub bytes: Option<u64>,
}

/// Bytes that are no plan record.
#[derive(Debug, thiserror::Error)]
#[error("the plan's list of records is damaged")]
pub struct Damaged;

impl PlanRecord {
    /// Appends the record's bytes.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), Damaged> {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&days_of(self.due).to_le_bytes());
        out.extend_from_slice(&self.members.to_le_bytes());
        out.extend_from_slice(&self.bytes.unwrap_or(u64::MAX).to_le_bytes());
        let locator = self.reference.locator.as_str().as_bytes();
        put_length(out, locator.len())?;
        out.extend_from_slice(locator);
        let version = self.reference.version.as_bytes();
        out.push(u8::try_from(version.len()).map_err(|_| Damaged)?);
        out.extend_from_slice(version);
        out.push(u8::try_from(self.dates.len()).map_err(|_| Damaged)?);
        for date in &self.dates {
            put_date(out, *date);
        }
        out.push(u8::try_from(self.fields.len()).map_err(|_| Damaged)?);
        for field in &self.fields {
            match field {
                None => out.push(0),
                Some(text) => {
                    out.push(1);
                    put_length(out, text.len())?;
                    out.extend_from_slice(text.as_bytes());
                }
            }
        }
        let length = u32::try_from(out.len() - start - 4).map_err(|_| Damaged)?;
        if let Some(head) = out.get_mut(start..start + 4) {
            head.copy_from_slice(&length.to_le_bytes());
        }
        Ok(())
    }

    /// Takes the next record off `bytes`; `None` at the end.
    pub fn decode(bytes: &mut &[u8]) -> Result<Option<Self>, Damaged> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let length = usize::try_from(u32::from_le_bytes(take(bytes)?)).map_err(|_| Damaged)?;
        let (mut body, rest) = bytes.split_at_checked(length).ok_or(Damaged)?;
        *bytes = rest;
        let body = &mut body;
        let due = date_of(i32::from_le_bytes(take(body)?))?;
        let members = u32::from_le_bytes(take(body)?);
        let size = u64::from_le_bytes(take(body)?);
        let locator = Locator::from_canonical(take_text(body)?).ok_or(Damaged)?;
        let [version_length] = take::<1>(body)?;
        let (version, rest) = body.split_at_checked(version_length.into()).ok_or(Damaged)?;
        *body = rest;
        let version = Version::new(version);
        let [count] = take::<1>(body)?;
        let dates = (0..count).map(|_| take_date(body)).collect::<Result<_, _>>()?;
        let [count] = take::<1>(body)?;
        let fields = (0..count)
            .map(|_| match take::<1>(body)? {
                [0] => Ok(None),
                [1] => Ok(Some(take_text(body)?.to_owned())),
                _ => Err(Damaged),
            })
            .collect::<Result<_, _>>()?;
        if !body.is_empty() {
            return Err(Damaged);
        }
        Ok(Some(Self {
            reference: RecordRef { locator, version },
            due,
            dates,
            fields,
            members,
            bytes: (size != u64::MAX).then_some(size),
        }))
    }
}

/// Returns the days from 1970-01-01.
fn days_of(date: Date) -> i32 {
    date.duration_since(EPOCH).as_hours().div_euclid(24).try_into().unwrap_or(i32::MAX)
}

fn date_of(days: i32) -> Result<Date, Damaged> {
    let span = jiff::Span::new().try_days(days).map_err(|_| Damaged)?;
    EPOCH.checked_add(span).map_err(|_| Damaged)
}

const EPOCH: Date = Date::constant(1970, 1, 1);

fn put_length(out: &mut Vec<u8>, length: usize) -> Result<(), Damaged> {
    out.extend_from_slice(&u32::try_from(length).map_err(|_| Damaged)?.to_le_bytes());
    Ok(())
}

fn put_date(out: &mut Vec<u8>, date: DateValue) {
    match date {
        DateValue::Absent => out.push(0),
        DateValue::Day(day) => {
            out.push(1);
            out.extend_from_slice(&days_of(day).to_le_bytes());
        }
        DateValue::Local(moment) => {
            out.push(2);
            out.extend_from_slice(&days_of(moment.date()).to_le_bytes());
            let nanoseconds = moment.time().duration_since(Time::midnight()).as_nanos();
            out.extend_from_slice(&i64::try_from(nanoseconds).unwrap_or(0).to_le_bytes());
        }
        DateValue::Moment(moment) => {
            out.push(3);
            out.extend_from_slice(&moment.as_second().to_le_bytes());
            out.extend_from_slice(&moment.subsec_nanosecond().to_le_bytes());
        }
        DateValue::Unreadable(_) => out.push(4),
    }
}

fn take_date(body: &mut &[u8]) -> Result<DateValue, Damaged> {
    Ok(match take::<1>(body)? {
        [0] => DateValue::Absent,
        [1] => DateValue::Day(date_of(i32::from_le_bytes(take(body)?))?),
        [2] => {
            let day = date_of(i32::from_le_bytes(take(body)?))?;
            let nanoseconds = i64::from_le_bytes(take(body)?);
            let time = Time::midnight()
                .checked_add(jiff::SignedDuration::from_nanos(nanoseconds))
                .map_err(|_| Damaged)?;
            DateValue::Local(DateTime::from_parts(day, time))
        }
        [3] => {
            let seconds = i64::from_le_bytes(take(body)?);
            let nanoseconds = i32::from_le_bytes(take(body)?);
            DateValue::Moment(Timestamp::new(seconds, nanoseconds).map_err(|_| Damaged)?)
        }
        [4] => DateValue::Unreadable("the plan saw something that is not a date"),
        _ => return Err(Damaged),
    })
}

fn take<const N: usize>(body: &mut &[u8]) -> Result<[u8; N], Damaged> {
    let (head, rest) = body.split_first_chunk::<N>().ok_or(Damaged)?;
    *body = rest;
    Ok(*head)
}

fn take_text<'a>(body: &mut &'a [u8]) -> Result<&'a str, Damaged> {
    let length = usize::try_from(u32::from_le_bytes(take(body)?)).map_err(|_| Damaged)?;
    let (text, rest) = body.split_at_checked(length).ok_or(Damaged)?;
    *body = rest;
    std::str::from_utf8(text).map_err(|_| Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn date_value() -> impl Strategy<Value = DateValue> {
        let day = (-700_000i32..2_900_000).prop_map(|n| date_of(n).unwrap());
        prop_oneof![
            Just(DateValue::Absent),
            day.clone().prop_map(DateValue::Day),
            (day, 0i64..86_400_000_000_000).prop_map(|(day, n)| {
                let time = Time::midnight() + jiff::SignedDuration::from_nanos(n);
                DateValue::Local(DateTime::from_parts(day, time))
            }),
            (-60_000_000_000i64..250_000_000_000, 0..999_999_999)
                .prop_map(|(s, n)| DateValue::Moment(Timestamp::new(s, n).unwrap())),
        ]
    }

    proptest! {
        #[test]
        fn a_record_comes_back_as_it_went(
            parts in proptest::collection::vec(".*", 1..3),
            version in proptest::collection::vec(any::<u8>(), 0..60),
            dates in proptest::collection::vec(date_value(), 0..4),
            fields in proptest::collection::vec(proptest::option::of(".*"), 0..4),
            members: u32,
            bytes in proptest::option::of(0..u64::MAX),
            due in -700_000i32..2_900_000,
        ) {
            let record = PlanRecord {
                reference: RecordRef {
                    locator: Locator::new(&parts),
                    version: Version::new(&version),
                },
                due: date_of(due).unwrap(),
                dates,
                fields,
                members,
                bytes,
            };
            let mut buffer = Vec::new();
            record.encode(&mut buffer).unwrap();
            record.encode(&mut buffer).unwrap();
            let mut rest = buffer.as_slice();
            prop_assert_eq!(PlanRecord::decode(&mut rest).unwrap(), Some(record.clone()));
            prop_assert_eq!(PlanRecord::decode(&mut rest).unwrap(), Some(record));
            prop_assert_eq!(PlanRecord::decode(&mut rest).unwrap(), None);
        }

        #[test]
        fn no_bytes_make_the_reader_fail(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut rest = bytes.as_slice();
            while let Ok(Some(_)) = PlanRecord::decode(&mut rest) {}
        }
    }
}
