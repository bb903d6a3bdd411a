// SPDX-License-Identifier: MIT OR Apache-2.0
//! The part of Protocol Buffers that the messages use: varint and length-delimited fields
//! (Protocol Buffers encoding, "Message Structure").
//!
//! Reading keeps the rules of the format: unknown fields are skipped, the last of a repeated
//! singular field wins. Unlike the format, groups are refused: no peer sends them, and skipping
//! them would need recursion on bytes that a stranger chose.

use crate::{Error, Reader, varint};

/// One field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2.
    Bytes(&'a [u8]),
    /// Wire type 5.
    Fixed32(u32),
}

impl<'a> Value<'a> {
    /// The value as an unsigned 32-bit integer.
    ///
    /// Unlike the format, a varint above 2³² − 1 is refused, not cut.
    pub fn u32(self) -> Result<u32, Error> {
        self.u64().and_then(|value| u32::try_from(value).map_err(|_| Error::Malformed))
    }

    /// The value as an unsigned 64-bit integer.
    pub const fn u64(self) -> Result<u64, Error> {
        match self {
            Self::Varint(value) => Ok(value),
            _ => Err(Error::Malformed),
        }
    }

    /// The value as a fixed-width unsigned 64-bit integer.
    pub const fn fixed64(self) -> Result<u64, Error> {
        match self {
            Self::Fixed64(value) => Ok(value),
            _ => Err(Error::Malformed),
        }
    }

    /// The value as bytes.
    pub const fn bytes(self) -> Result<&'a [u8], Error> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(Error::Malformed),
        }
    }
}

/// Iterates over the fields of an encoded message, in the order in which they stand.
#[derive(Debug)]
pub struct Fields<'a> {
    reader: Reader<'a>,
}

impl<'a> Fields<'a> {
    /// The fields of `message`.
    #[must_use]
    pub const fn new(message: &'a [u8]) -> Self {
        Self { reader: Reader::new(message) }
    }

    /// The next field's number and value, or `None` at the end.
    pub fn next_field(&mut self) -> Result<Option<(u32, Value<'a>)>, Error> {
        if self.reader.is_empty() {
            return Ok(None);
        }
        let key = u32::try_from(varint::read(&mut self.reader)?).map_err(|_| Error::Malformed)?;
        let number = key >> 3;
        if number == 0 {
            return Err(Error::Malformed);
        }
        let value = match key & 7 {
            0 => Value::Varint(varint::read(&mut self.reader)?),
            1 => Value::Fixed64(u64::from_le_bytes(*self.reader.array()?)),
            2 => {
                let length = varint::read(&mut self.reader)?;
                let length = usize::try_from(length).map_err(|_| Error::Malformed)?;
                Value::Bytes(self.reader.take(length)?)
            }
            5 => Value::Fixed32(u32::from_le_bytes(*self.reader.array()?)),
            _ => return Err(Error::Malformed),
        };
        Ok(Some((number, value)))
    }
}

/// The fields 1 to `N` of a message in which each may stand once.
///
/// Unlike the format, in which the last of a repeated field counts, a known field that stands
/// twice is refused; unknown fields are skipped.
pub fn singular<const N: usize>(message: &[u8]) -> Result<[Option<Value<'_>>; N], Error> {
    let mut known = [None; N];
    let mut fields = Fields::new(message);
    while let Some((number, value)) = fields.next_field()? {
        let slot = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        if let Some(slot) = slot.and_then(|slot| known.get_mut(slot))
            && slot.replace(value).is_some()
        {
            return Err(Error::Malformed);
        }
    }
    Ok(known)
}

/// Appends field `number` with a varint value, also when it is 0.
pub fn write_varint(out: &mut Vec<u8>, number: u32, value: u64) {
    varint::write(out, u64::from(number) << 3);
    varint::write(out, value);
}

/// Appends field `number` with a fixed-width 64-bit value, also when it is 0.
pub fn write_fixed64(out: &mut Vec<u8>, number: u32, value: u64) {
    varint::write(out, u64::from(number) << 3 | 1);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends field `number` with bytes, also when they are empty.
pub fn write_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    write_bytes_header(out, number, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends the tag and the length of a field of `length` bytes, which the caller appends itself.
pub fn write_bytes_header(out: &mut Vec<u8>, number: u32, length: usize) {
    varint::write(out, u64::from(number) << 3 | 2);
    // A slice's length always fits: `usize` has at most 64 bits on every target.
    varint::write(out, u64::try_from(length).unwrap_or(u64::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u32, Value<'_>)>, Error> {
        let mut reader = Fields::new(bytes);
        let mut all = Vec::new();
        while let Some(field) = reader.next_field()? {
            all.push(field);
        }
        Ok(all)
    }

    #[test]
    fn every_wire_type_is_read() {
        let bytes =
            [0x08, 0x96, 0x01, 0x12, 0x01, 0xaa, 0x1d, 1, 0, 0, 0, 0x21, 2, 0, 0, 0, 0, 0, 0, 0];

        assert_eq!(
            Ok(vec![
                (1, Value::Varint(150)),
                (2, Value::Bytes(&[0xaa])),
                (3, Value::Fixed32(1)),
                (4, Value::Fixed64(2)),
            ]),
            fields(&bytes)
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut out = Vec::new();
        write_varint(&mut out, 5, 0);
        write_bytes(&mut out, 16, b"abc");
        write_fixed64(&mut out, 3, u64::MAX - 1);

        let fixed = Value::Fixed64(u64::MAX - 1);
        let written = vec![(5, Value::Varint(0)), (16, Value::Bytes(b"abc")), (3, fixed)];
        assert_eq!(Ok(written), fields(&out));
        assert_eq!(Ok(u64::MAX - 1), fixed.fixed64());
        assert_eq!(Err(Error::Malformed), Value::Varint(1).fixed64());
    }

    #[test]
    fn field_zero_groups_and_wire_type_seven_are_refused() {
        for first in [0x00, 0x0b, 0x0c, 0x0f] {
            assert_eq!(Err(Error::Malformed), fields(&[first, 0x00]));
        }
    }

    #[test]
    fn a_singular_field_stands_once_and_an_unknown_one_as_often_as_it_likes() {
        let unknown = [0x18, 1, 0x18, 2, 0x08, 3];

        assert_eq!(Ok([Some(Value::Varint(3)), None]), singular::<2>(&unknown));
        assert_eq!(Err(Error::Malformed), singular::<3>(&unknown));
    }

    #[test]
    fn every_truncation_inside_a_field_is_refused() {
        let whole = [0x12, 0x03, 1, 2, 3];

        for length in 1..whole.len() {
            assert_eq!(Err(Error::Malformed), fields(&whole[..length]));
        }
    }

    #[test]
    fn a_length_beyond_the_message_is_refused() {
        let mut out = Vec::new();
        varint::write(&mut out, 0x12);
        varint::write(&mut out, u64::MAX);

        assert_eq!(Err(Error::Malformed), fields(&out));
    }

    #[test]
    fn a_32_bit_field_above_its_range_is_refused() {
        assert_eq!(Ok(u32::MAX), Value::Varint(u64::from(u32::MAX)).u32());
        assert_eq!(Err(Error::Malformed), Value::Varint(u64::from(u32::MAX) + 1).u32());
        assert_eq!(Err(Error::Malformed), Value::Bytes(b"").u32());
    }
}
