//! Bytes that are mostly few: kept in place, or on the heap when they do not fit.
//!
//! A run holds millions of locators and versions for a moment each; a place on the heap for every
//! one would cost more than reading them.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// Bytes of which up to `N` are kept in place.
#[derive(Clone)]
pub(crate) struct Short<const N: usize>(Kept<N>);

#[derive(Clone)]
enum Kept<const N: usize> {
    InPlace(u8, [u8; N]),
    OnHeap(Box<[u8]>),
}

impl<const N: usize> Short<N> {
    /// Keeps bytes.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut place = [0; N];
        match (place.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(room), Ok(length)) => {
                room.copy_from_slice(bytes);
                Self(Kept::InPlace(length, place))
            }
            _ => Self(Kept::OnHeap(bytes.into())),
        }
    }

    /// Returns the bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.0 {
            Kept::InPlace(length, place) => place.get(..usize::from(*length)).unwrap_or_default(),
            Kept::OnHeap(bytes) => bytes,
        }
    }
}

impl<const N: usize> PartialEq for Short<N> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl<const N: usize> Eq for Short<N> {}

impl<const N: usize> Hash for Short<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

impl<const N: usize> PartialOrd for Short<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> Ord for Short<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_come_back_and_compare_as_they_are(
            a in proptest::collection::vec(any::<u8>(), 0..300),
            b in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let (short_a, short_b) = (Short::<30>::new(&a), Short::<30>::new(&b));
            prop_assert_eq!(short_a.bytes(), &a);
            prop_assert_eq!(short_a.cmp(&short_b), a.cmp(&b));
            prop_assert_eq!(short_a == short_b, a == b);
        }
    }
}
