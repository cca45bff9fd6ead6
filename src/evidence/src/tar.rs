//! The subset of ustar that bundles use: one way to write each file.
//!
//! `docs/formats/bundle.md` has the table of fields. Reading rebuilds each header from the name and
//! the size, and compares; so no field can say anything of its own.

/// Bytes in a block.
pub(crate) const BLOCK: usize = 512;
/// The same, for arithmetic with sizes.
pub(crate) const BLOCK_BYTES: u64 = 512;
/// The longest name.
pub(crate) const NAME_MAX: usize = 100;
const SIZE_MAX: u64 = 0o77_777_777_777;

/// Writes the header of a file; `None` where the name or the size does not fit.
pub(crate) fn header(name: &str, size: u64) -> Option<[u8; BLOCK]> {
    let mut block = [0; BLOCK];
    if size > SIZE_MAX || name.is_empty() {
        return None;
    }
    block
        .get_mut(..name.len())
        .filter(|_| name.len() <= NAME_MAX)?
        .copy_from_slice(name.as_bytes());
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    octal(&mut block[124..135], size);
    block[136..148].copy_from_slice(b"00000000000\0");
    block[148..156].copy_from_slice(b"        ");
    block[156] = b'0';
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[329..337].copy_from_slice(b"0000000\0");
    block[337..345].copy_from_slice(b"0000000\0");
    let sum = block.iter().map(|byte| u64::from(*byte)).sum();
    octal(&mut block[148..154], sum);
    block[154] = 0;
    Some(block)
}

fn octal(field: &mut [u8], value: u64) {
    let mut rest = value;
    for digit in field.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest & 7).unwrap_or(0);
        rest >>= 3;
    }
}

/// Reads a header; `None` where it is not exactly the one that its name and size have.
pub(crate) fn read_header(block: &[u8; BLOCK]) -> Option<(String, u64)> {
    let name = block[..NAME_MAX].split(|byte| *byte == 0).next()?;
    let name = std::str::from_utf8(name).ok()?;
    let mut size = 0_u64;
    for digit in &block[124..135] {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 8)?;
        size = size << 3 | u64::from(digit);
    }
    (header(name, size)? == *block).then(|| (name.to_owned(), size))
}

/// How many zeros follow a file of that size.
pub(crate) fn padding(size: u64) -> u64 {
    (BLOCK_BYTES - size % BLOCK_BYTES) % BLOCK_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_back_and_every_changed_bit_is_refused() {
        let good = header("ledger/checkpoint", 1234).unwrap();
        assert_eq!(read_header(&good), Some(("ledger/checkpoint".to_owned(), 1234)));
        for bit in 0..BLOCK * 8 {
            let mut bent = good;
            bent[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read_header(&bent), None, "{bit}");
        }
    }

    #[test]
    fn names_and_sizes_that_do_not_fit_are_refused() {
        assert!(header(&"x".repeat(100), SIZE_MAX).is_some());
        assert!(header(&"x".repeat(101), 0).is_none());
        assert!(header("x", SIZE_MAX + 1).is_none());
        assert!(header("", 0).is_none());
    }

    #[test]
    fn padding_fills_up_the_block() {
        for (size, zeros) in [(0, 0), (1, 511), (511, 1), (512, 0), (513, 511)] {
            assert_eq!(padding(size), zeros);
        }
    }
}
