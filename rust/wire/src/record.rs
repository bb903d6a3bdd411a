// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stored states: fixed-width big-endian integers, tags, and length-prefixed lists
//! (docs/formats.md, "Stored records").
//!
//! A state is read back only by the program that wrote it, so every deviation is damage:
//! [`Error::CorruptState`].

use crate::{Error, Reader};

/// Reads a stored state.
#[derive(Debug)]
pub struct RecordReader<'a> {
    reader: Reader<'a>,
}

impl<'a> RecordReader<'a> {
    /// A reader at the first of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { reader: Reader::new(bytes) }
    }

    /// The next byte.
    pub fn u8(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|&[byte]| byte)
    }

    /// The next two bytes.
    pub fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(|bytes| u16::from_be_bytes(*bytes))
    }

    /// The next four bytes.
    pub fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// The next eight bytes.
    pub fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(|bytes| u64::from_be_bytes(*bytes))
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Error> {
        self.reader.array().map_err(|_| Error::CorruptState)
    }

    /// Bytes behind their length, which takes four bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let length = self.length(usize::MAX)?;
        self.reader.take(length).map_err(|_| Error::CorruptState)
    }

    /// The number of entries of a list, at most `limit`.
    pub fn length(&mut self, limit: usize) -> Result<usize, Error> {
        usize::try_from(self.u32()?)
            .ok()
            .filter(|&length| length <= limit)
            .ok_or(Error::CorruptState)
    }

    /// Ends the reading: bytes that are left are damage.
    pub fn finish(self) -> Result<(), Error> {
        self.reader.finish().map_err(|_| Error::CorruptState)
    }
}

/// Appends `bytes` behind their length.
pub fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends the number of entries of a list.
pub fn write_length(out: &mut Vec<u8>, length: usize) {
    // Every list and every part is bounded far below 2³²; a saturated length would not read back.
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut out = vec![7];
        out.extend_from_slice(&9_u64.to_be_bytes());
        write_bytes(&mut out, b"part");

        let mut reader = RecordReader::new(&out);

        assert_eq!(Ok(7), reader.u8());
        assert_eq!(Ok(9), reader.u64());
        assert_eq!(Ok(&b"part"[..]), reader.bytes());
        assert_eq!(Ok(()), reader.finish());
    }

    #[test]
    fn short_long_and_oversized_states_are_damage() {
        assert_eq!(Err(Error::CorruptState), RecordReader::new(&[0; 3]).u32());
        assert_eq!(Err(Error::CorruptState), RecordReader::new(&[0]).finish());
        assert_eq!(Err(Error::CorruptState), RecordReader::new(&[0, 0, 0, 9, 1]).bytes());
        assert_eq!(Err(Error::CorruptState), RecordReader::new(&[0, 0, 0, 3]).length(2));
    }
}
