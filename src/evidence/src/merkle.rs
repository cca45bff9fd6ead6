//! Merkle trees of RFC 6962 with SHA-256: roots, inclusion proofs, consistency proofs.

use serde::{Deserialize, Serialize};

use crate::hash::Hash;

/// The right edge of a growing tree: all that is needed to add leaves and to know the root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frontier {
    size: u64,
    /// Roots of the perfect subtrees, from the largest to the smallest.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Returns the number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf hash on the right.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = Hash::node(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// Adds the root of a perfect subtree of `2^height` leaves on the right.
    ///
    /// # Behavior
    ///
    /// - The size must be a multiple of `2^height`; otherwise the subtree does not belong there,
    ///   and nothing is added.
    pub fn push_subtree(&mut self, height: u32, root: Hash) -> bool {
        let Some(leaves) = 1_u64.checked_shl(height) else { return false };
        let (true, Some(size)) = (self.size.is_multiple_of(leaves), self.size.checked_add(leaves))
        else {
            return false;
        };
        let mut hash = root;
        for _ in 0..(self.size >> height).trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = Hash::node(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size = size;
        true
    }

    /// Returns the root; of no leaves, the hash of nothing.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => Hash::of(b""),
            Some(last) => peaks.fold(*last, |right, left| Hash::node(left, &right)),
        }
    }
}

impl Extend<Hash> for Frontier {
    fn extend<T: IntoIterator<Item = Hash>>(&mut self, leaves: T) {
        for leaf in leaves {
            self.push(leaf);
        }
    }
}

/// Computes the root over leaf hashes.
pub fn root(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    frontier.extend(leaves.iter().copied());
    frontier.root()
}

/// A proof that does not prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The index is not in the tree, or a size is out of order.
    #[error("the index or the size is out of range")]
    Range,
    /// There are too many or too few hashes.
    #[error("the proof has {found} hashes where index and size demand {wanted}")]
    Length {
        /// As many as the index and the sizes demand.
        wanted: usize,
        /// As many as there are.
        found: usize,
    },
    /// It leads to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// Makes the inclusion proof of one leaf (RFC 6962, 2.1.1); `None` outside the tree.
pub fn inclusion_proof(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    let mut proof = Vec::new();
    let (mut part, mut index) = (leaves, index);
    while part.len() > 1 {
        let (left, right) = part.split_at_checked(split(part.len()))?;
        if index < left.len() {
            proof.push(root(right));
            part = left;
        } else {
            proof.push(root(left));
            index -= left.len();
            part = right;
        }
    }
    proof.reverse();
    Some(proof)
}

/// Makes the consistency proof from the first `old` leaves to all (RFC 6962, 2.1.2).
///
/// # Behavior
///
/// - `None` where `old` is zero or larger than the tree. Empty where the sizes are equal.
pub fn consistency_proof(leaves: &[Hash], old: usize) -> Option<Vec<Hash>> {
    if old == 0 || old > leaves.len() {
        return None;
    }
    let mut proof = Vec::new();
    let (mut part, mut old, mut whole) = (leaves, old, true);
    while old != part.len() {
        let (left, right) = part.split_at_checked(split(part.len()))?;
        if old <= left.len() {
            proof.push(root(right));
            part = left;
        } else {
            proof.push(root(left));
            old -= left.len();
            part = right;
            whole = false;
        }
    }
    if !whole {
        proof.push(root(part));
    }
    proof.reverse();
    Some(proof)
}

/// The largest power of two below `n`, for `n` above one.
fn split(n: usize) -> usize {
    n.checked_sub(1).and_then(usize::checked_ilog2).map_or(0, |height| 1 << height)
}

/// Checks an inclusion proof (RFC 9162, 2.1.3.2), its exact length included.
pub fn check_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Range);
    }
    expect_length(proof, inclusion_length(index, size))?;
    let (mut node, mut last) = (index, size - 1);
    let mut hash = leaf;
    for sibling in proof {
        if node % 2 == 1 || node == last {
            hash = Hash::node(sibling, &hash);
            while node.is_multiple_of(2) && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = Hash::node(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if hash == root { Ok(()) } else { Err(ProofError::Root) }
}

/// How many hashes an inclusion proof has: one for each level below the common edge, then one for
/// each left sibling of the edge.
fn inclusion_length(index: u64, size: u64) -> u32 {
    let inner = u64::BITS - (index ^ (size - 1)).leading_zeros();
    inner + (index.checked_shr(inner).unwrap_or(0)).count_ones()
}

fn expect_length(proof: &[Hash], wanted: u32) -> Result<(), ProofError> {
    let (found, wanted) = (proof.len(), usize::try_from(wanted).unwrap_or(usize::MAX));
    if found == wanted { Ok(()) } else { Err(ProofError::Length { wanted, found }) }
}

/// Checks a consistency proof (RFC 9162, 2.1.4.2), its exact length included.
pub fn check_consistency(
    old_size: u64,
    old_root: Hash,
    size: u64,
    root: Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old_size == 0 || old_size > size {
        return Err(ProofError::Range);
    }
    if old_size == size {
        expect_length(proof, 0)?;
        return if old_root == root { Ok(()) } else { Err(ProofError::Root) };
    }
    // The last node of the old tree that is a perfect subtree: where its edge and the new meet.
    let shift = old_size.trailing_zeros();
    let (mut node, mut last) = ((old_size - 1) >> shift, (size - 1) >> shift);
    let mut rest = proof.iter();
    let length = consistency_length(old_size, size);
    expect_length(proof, length)?;
    let start =
        if old_size.is_power_of_two() { old_root } else { *rest.next().ok_or(ProofError::Root)? };
    let (mut old_hash, mut hash) = (start, start);
    for sibling in rest {
        if node % 2 == 1 || node == last {
            old_hash = Hash::node(sibling, &old_hash);
            hash = Hash::node(sibling, &hash);
            while node.is_multiple_of(2) && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = Hash::node(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if old_hash == old_root && hash == root { Ok(()) } else { Err(ProofError::Root) }
}

/// How many hashes a consistency proof has, for `0 < old_size < size`.
fn consistency_length(old_size: u64, size: u64) -> u32 {
    let shift = old_size.trailing_zeros();
    let path = inclusion_length((old_size - 1) >> shift, ((size - 1) >> shift) + 1);
    path + u32::from(!old_size.is_power_of_two())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(n: u32) -> Vec<Hash> {
        (0..n).map(|i| Hash::leaf(&i.to_be_bytes())).collect()
    }

    /// The definition of RFC 6962, word by word.
    fn defined(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::of(b""),
            [one] => *one,
            many => {
                let mut k = 1;
                while k * 2 < many.len() {
                    k *= 2;
                }
                Hash::node(&defined(&many[..k]), &defined(&many[k..]))
            }
        }
    }

    const SIZES: [u32; 20] =
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100];

    #[test]
    fn roots_follow_the_definition() {
        for n in SIZES.into_iter().chain([127, 128, 129, 255, 256, 257, 1000]) {
            assert_eq!(root(&leaves(n)), defined(&leaves(n)), "{n}");
        }
    }

    #[test]
    fn subtrees_may_be_pushed_whole() {
        let all = leaves(77);
        let mut frontier = Frontier::default();
        assert!(frontier.push_subtree(6, root(&all[..64])));
        assert!(frontier.push_subtree(3, root(&all[64..72])));
        assert!(!frontier.push_subtree(4, all[0]));
        frontier.extend(all[72..].iter().copied());
        assert_eq!((frontier.size(), frontier.root()), (77, root(&all)));
    }

    #[test]
    fn inclusion_proofs_prove_their_leaf_and_nothing_else() {
        for n in SIZES {
            let all = leaves(n);
            let tree = root(&all);
            for (index, leaf) in all.iter().enumerate() {
                let proof = inclusion_proof(&all, index).unwrap();
                let at = u64::try_from(index).unwrap();
                let size = u64::from(n);
                assert_eq!(check_inclusion(*leaf, at, size, &proof, tree), Ok(()), "{index}/{n}");
                assert!(check_inclusion(Hash::ZERO, at, size, &proof, tree).is_err());
                assert!(check_inclusion(*leaf, size, size, &proof, tree).is_err());
                if n > 1 {
                    assert!(check_inclusion(*leaf, (at + 1) % size, size, &proof, tree).is_err());
                }
                let longer = [&proof[..], &[Hash::ZERO]].concat();
                assert!(check_inclusion(*leaf, at, size, &longer, tree).is_err());
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(check_inclusion(*leaf, at, size, shorter, tree).is_err());
                }
                for i in 0..proof.len() {
                    let mut bent = proof.clone();
                    bent[i].0[31] ^= 1;
                    assert_eq!(
                        check_inclusion(*leaf, at, size, &bent, tree),
                        Err(ProofError::Root)
                    );
                }
            }
            assert_eq!(inclusion_proof(&all, all.len()), None);
        }
    }

    #[test]
    fn consistency_proofs_prove_a_prefix_and_nothing_else() {
        for n in 1..70_u32 {
            let all = leaves(n);
            let tree = root(&all);
            for m in 1..=n {
                let old = root(&all[..usize::try_from(m).unwrap()]);
                let proof = consistency_proof(&all, usize::try_from(m).unwrap()).unwrap();
                let check = |old, proof: &[Hash], tree| {
                    check_consistency(u64::from(m), old, u64::from(n), tree, proof)
                };
                assert_eq!(check(old, &proof, tree), Ok(()), "{m}->{n}");
                assert!(check(Hash::ZERO, &proof, tree).is_err());
                assert!(check(old, &proof, Hash::ZERO).is_err());
                assert!(check(old, &[&proof[..], &[Hash::ZERO]].concat(), tree).is_err());
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(check(old, shorter, tree).is_err());
                }
            }
        }
        assert_eq!(consistency_proof(&leaves(3), 0), None);
        assert_eq!(consistency_proof(&leaves(3), 4), None);
        assert_eq!(check_consistency(4, Hash::ZERO, 3, Hash::ZERO, &[]), Err(ProofError::Range));
    }
}
