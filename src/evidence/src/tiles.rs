//! Where a ledger's entries and hashes lie on disk (<https://c2sp.org/tlog-tiles>).

/// Hashes in a full tile.
pub const TILE_WIDTH: u64 = 256;
/// The longest entry: statements are far shorter.
pub const ENTRY_BYTES_MAX: usize = 4_096;

/// One tile of hashes or of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// The level; `None` for entries.
    pub level: Option<u8>,
    /// The index within the level.
    pub index: u64,
    /// How many hashes or entries it has, from 1 to 256.
    pub width: u64,
}

impl Tile {
    /// Returns its path below `ledger/`.
    pub fn path(&self) -> String {
        let level = self.level.map_or_else(|| "entries".to_owned(), |level| level.to_string());
        let mut index = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            index = format!("x{:03}/{index}", rest % 1000);
            rest /= 1000;
        }
        if self.width == TILE_WIDTH {
            format!("tile/{level}/{index}")
        } else {
            format!("tile/{level}/{index}.p/{}", self.width)
        }
    }
}

/// Lists the tiles of one level for a ledger of a size.
pub fn level_tiles(size: u64, level: Option<u8>) -> impl Iterator<Item = Tile> {
    let shift = u32::from(level.unwrap_or(0)) * 8;
    let hashes = size.checked_shr(shift).unwrap_or(0);
    let full = (0..hashes / TILE_WIDTH).map(move |index| Tile { level, index, width: TILE_WIDTH });
    let (index, width) = (hashes / TILE_WIDTH, hashes % TILE_WIDTH);
    full.chain((width != 0).then_some(Tile { level, index, width }))
}

/// Lists all hash tiles for a ledger of a size, level by level.
pub fn hash_tiles(size: u64) -> impl Iterator<Item = Tile> {
    (0..8_u8)
        .take_while(move |level| size.checked_shr(u32::from(*level) * 8).unwrap_or(0) > 0)
        .flat_map(move |level| level_tiles(size, Some(level)))
}

/// Appends an entry to an entry tile; `false` where it is too long.
pub(crate) fn push_entry(tile: &mut Vec<u8>, entry: &[u8]) -> bool {
    let Ok(length) = u16::try_from(entry.len()) else { return false };
    if entry.len() > ENTRY_BYTES_MAX {
        return false;
    }
    tile.extend_from_slice(&length.to_be_bytes());
    tile.extend_from_slice(entry);
    true
}

/// Splits an entry tile; `None` where it does not have exactly `width` entries.
pub(crate) fn entries(tile: &[u8], width: u64) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    let mut rest = tile;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        if entry.len() > ENTRY_BYTES_MAX {
            return None;
        }
        found.push(entry);
        rest = after;
    }
    (u64::try_from(found.len()) == Ok(width)).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_the_published_examples() {
        let path = |level, index, width| Tile { level, index, width }.path();
        assert_eq!(path(Some(0), 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(path(None, 0, 7), "tile/entries/000.p/7");
        assert_eq!(path(Some(1), 1000, 255), "tile/1/x001/000.p/255");
    }

    #[test]
    fn tiles_follow_the_published_examples() {
        let of = |size| {
            let mut found = std::collections::BTreeMap::new();
            for tile in hash_tiles(size) {
                let level = tile.level.unwrap();
                let counts: &mut (u64, u64) = found.entry(level).or_default();
                if tile.width == 256 { counts.0 += 1 } else { counts.1 = tile.width }
            }
            found.into_values().collect::<Vec<_>>()
        };
        assert_eq!(of(70_000), [(273, 112), (1, 17), (0, 1)]);
        assert_eq!(of(256), [(1, 0), (0, 1)]);
        assert_eq!(of(1), [(0, 1)]);
        assert_eq!(of(0), []);
        assert_eq!(level_tiles(257, None).count(), 2);
    }

    #[test]
    fn entries_are_read_back_and_cut_tiles_are_refused() {
        let mut tile = Vec::new();
        for entry in [&b"one"[..], b"", b"three"] {
            assert!(push_entry(&mut tile, entry));
        }
        assert_eq!(entries(&tile, 3), Some(vec![&b"one"[..], b"", b"three"]));
        assert_eq!(entries(&tile, 2), None);
        assert_eq!(entries(&tile[..tile.len() - 1], 3), None);
        assert!(!push_entry(&mut tile, &[0; ENTRY_BYTES_MAX + 1]));
    }
}
