// SPDX-License-Identifier: MIT OR Apache-2.0
//! Base-128 integers, least significant group first (Protocol Buffers encoding, "Base 128 Varints";
//! spqr.md §3).

use crate::{Error, Reader};

/// The most bytes that a 64-bit varint takes.
pub const MAX_LEN: usize = 10;

/// Reads a varint of at most 64 bits in at most [`MAX_LEN`] bytes.
///
/// Overlong forms are accepted, as the peers write and read them; bits past the 64th are refused.
pub fn read(reader: &mut Reader<'_>) -> Result<u64, Error> {
    let mut value = 0_u64;
    for position in 0..MAX_LEN {
        let byte = reader.byte()?;
        let group = u64::from(byte & 0x7f);
        let shift = u32::try_from(7 * position).map_err(|_| Error::Malformed)?;
        if group.checked_shl(shift).is_none_or(|moved| moved >> shift != group) {
            return Err(Error::Malformed);
        }
        value |= group << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Error::Malformed)
}

/// Appends `value` in its shortest form.
pub fn write(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// The number of bytes that [`write`] appends for `value`.
#[must_use]
pub const fn encoded_len(value: u64) -> usize {
    let mut rest = value >> 7;
    let mut length = 1;
    while rest > 0 {
        rest >>= 7;
        length += 1;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> Result<u64, Error> {
        let mut reader = Reader::new(bytes);
        let value = read(&mut reader)?;
        reader.finish().map(|()| value)
    }

    #[test]
    fn every_length_survives_a_round_trip() {
        for bits in 0..64 {
            let value = 1_u64 << bits;
            let mut out = Vec::new();
            write(&mut out, value);

            assert_eq!(Ok(value), decode(&out));
            assert_eq!(out.len(), encoded_len(value));
        }
    }

    #[test]
    fn overlong_forms_within_64_bits_are_accepted() {
        assert_eq!(Ok(1), decode(&[0x81, 0x00]));
        assert_eq!(Ok(0), decode(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]));
    }

    #[test]
    fn bits_past_the_64th_are_refused() {
        let mut largest = [0xff; MAX_LEN];
        largest[9] = 0x01;
        assert_eq!(Ok(u64::MAX), decode(&largest));

        largest[9] = 0x02;
        assert_eq!(Err(Error::Malformed), decode(&largest));
    }

    #[test]
    fn unfinished_and_eleven_byte_forms_are_refused() {
        assert_eq!(Err(Error::Malformed), decode(&[]));
        assert_eq!(Err(Error::Malformed), decode(&[0x80]));
        assert_eq!(Err(Error::Malformed), decode(&[0x80; 11]));
    }
}
