// SPDX-License-Identifier: MIT OR Apache-2.0
//! TL, the serialization of Telegram: little-endian integers, constructor ids before boxed values,
//! and byte strings filled up to whole words (mtproto_secret_chats.md §3).
//!
//! As everybody does, the reader takes any bytes as filling, and a length in four bytes where one
//! would do: what is authenticated is the message as it came.

use crate::{Error, Reader};

/// Bytes of a word, to which every value is filled up.
const WORD_LEN: usize = 4;
/// The first byte of a length that takes four; the shorter lengths are below it.
const LONG_FORM: u8 = 0xfe;
/// The bytes from which on a string can not be written.
const STRING_LIMIT: usize = 1 << 24;
/// The constructor of `Vector t`.
const VECTOR: u32 = 0x1cb5_c415;

/// Reads values of TL from the front of a slice.
#[derive(Debug)]
pub struct TlReader<'a> {
    reader: Reader<'a>,
}

impl<'a> TlReader<'a> {
    /// A reader at the first of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { reader: Reader::new(bytes) }
    }

    /// The constructor id before a boxed value, or a field of flags.
    pub fn id(&mut self) -> Result<u32, Error> {
        self.reader.array().map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// An `int`.
    pub fn int(&mut self) -> Result<i32, Error> {
        self.reader.array().map(|bytes| i32::from_le_bytes(*bytes))
    }

    /// A `long`.
    pub fn long(&mut self) -> Result<i64, Error> {
        self.reader.array().map(|bytes| i64::from_le_bytes(*bytes))
    }

    /// A `double`.
    pub fn double(&mut self) -> Result<f64, Error> {
        self.reader.array().map(|bytes| f64::from_le_bytes(*bytes))
    }

    /// A `bytes`.
    ///
    /// A length in four bytes starts with 254; no value starts with 255.
    pub fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let (length, head) = match self.reader.byte()? {
            0xff => return Err(Error::Malformed),
            LONG_FORM => {
                let [low, middle, high] = *self.reader.array()?;
                (u32::from_le_bytes([low, middle, high, 0]), WORD_LEN)
            }
            short => (u32::from(short), 1),
        };
        let length = usize::try_from(length).map_err(|_| Error::Malformed)?;
        let taken = self.reader.take(length)?;
        self.reader.take(filling(head + length))?;
        Ok(taken)
    }

    /// A `string`, which is UTF-8.
    pub fn string(&mut self) -> Result<&'a str, Error> {
        core::str::from_utf8(self.bytes()?).map_err(|_| Error::Malformed)
    }

    /// The number of items of a `Vector t` that are left to read.
    ///
    /// It is capped by the bytes that are there: an item takes `least_item_len` of them or more,
    /// and at least a word.
    pub fn vector(&mut self, least_item_len: usize) -> Result<usize, Error> {
        if self.id()? != VECTOR {
            return Err(Error::Malformed);
        }
        let count = usize::try_from(self.int()?).map_err(|_| Error::Malformed)?;
        let least = count.checked_mul(least_item_len.max(WORD_LEN)).ok_or(Error::Malformed)?;
        if least > self.rest().len() { Err(Error::Malformed) } else { Ok(count) }
    }

    /// What has not been read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.reader.rest()
    }

    /// Whether everything has been read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.reader.is_empty()
    }

    /// Ends the reading: bytes that are left are an error.
    pub fn finish(self) -> Result<(), Error> {
        self.reader.finish()
    }
}

/// Appends a constructor id or a field of flags.
pub fn write_id(out: &mut Vec<u8>, id: u32) {
    out.extend_from_slice(&id.to_le_bytes());
}

/// Appends an `int`.
pub fn write_int(out: &mut Vec<u8>, value: i32) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a `long`.
pub fn write_long(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a `double`.
pub fn write_double(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a `bytes` or a `string`, filled up with zeros.
///
/// [`Error::InvalidArgument`], and nothing is appended, from 2²⁴ bytes on.
pub fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Error> {
    let head = match u8::try_from(bytes.len()) {
        Ok(length) if length < LONG_FORM => {
            out.push(length);
            1
        }
        _ => {
            let length = u32::try_from(bytes.len()).map_err(|_| Error::InvalidArgument)?;
            let [low, middle, high, 0] = length.to_le_bytes() else {
                return Err(Error::InvalidArgument);
            };
            out.extend_from_slice(&[LONG_FORM, low, middle, high]);
            WORD_LEN
        }
    };
    out.extend_from_slice(bytes);
    out.resize(out.len() + filling(head + bytes.len()), 0);
    Ok(())
}

/// Appends what comes before the items of a `Vector t`.
///
/// [`Error::InvalidArgument`], and nothing is appended, from 2³¹ items on.
pub fn write_vector_header(out: &mut Vec<u8>, count: usize) -> Result<(), Error> {
    let count = i32::try_from(count).map_err(|_| Error::InvalidArgument)?;
    write_id(out, VECTOR);
    write_int(out, count);
    Ok(())
}

/// The bytes that [`write_bytes`] appends for so many, if there are few enough.
#[must_use]
pub const fn bytes_len(length: usize) -> Option<usize> {
    let head = if length < 254 { 1 } else { WORD_LEN };
    if length < STRING_LIMIT { Some(head + length + filling(head + length)) } else { None }
}

/// The bytes that are missing to a whole word.
const fn filling(length: usize) -> usize {
    length.wrapping_neg() % WORD_LEN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        write_bytes(&mut out, bytes).unwrap();
        out
    }

    #[test]
    fn numbers_are_read_back_as_they_were_written() {
        let mut out = Vec::new();
        write_id(&mut out, 0x1be3_1789);
        write_int(&mut out, -2);
        write_long(&mut out, i64::MIN);
        write_double(&mut out, 1.5);

        let mut reader = TlReader::new(&out);

        assert_eq!([0x89, 0x17, 0xe3, 0x1b], out[..4]);
        assert_eq!(Ok(0x1be3_1789), reader.id());
        assert_eq!(Ok(-2), reader.int());
        assert_eq!(Ok(i64::MIN), reader.long());
        assert_eq!(Ok(1.5), reader.double());
        assert_eq!(Ok(()), reader.finish());
    }

    #[test]
    fn strings_of_every_length_around_the_two_forms_are_read_back() {
        for length in (0..=300).chain([5000, 65_535, 65_536, STRING_LIMIT - 1]) {
            let bytes = vec![7; length];
            let out = written(&bytes);

            let mut reader = TlReader::new(&out);

            assert_eq!(Some(out.len()), bytes_len(length));
            assert_eq!(0, out.len() % WORD_LEN);
            assert_eq!(Ok(&bytes[..]), reader.bytes());
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn a_string_that_is_too_long_writes_nothing() {
        let mut out = vec![1];

        assert_eq!(Err(Error::InvalidArgument), write_bytes(&mut out, &vec![0; STRING_LIMIT]));
        assert_eq!(vec![1], out);
        assert_eq!(None, bytes_len(STRING_LIMIT));
    }

    #[test]
    fn strings_that_were_cut_anywhere_are_refused() {
        for length in [0, 1, 3, 5, 253, 254, 300] {
            let out = written(&vec![7; length]);
            for cut in 0..out.len() {
                assert_eq!(Err(Error::Malformed), TlReader::new(&out[..cut]).bytes());
            }
        }
    }

    #[test]
    fn filling_may_be_anything_and_lengths_longer_than_needed() {
        assert_eq!(Ok(&b"a"[..]), TlReader::new(&[1, b'a', 8, 9]).bytes());
        assert_eq!(Ok(&b"a"[..]), TlReader::new(&[0xfe, 1, 0, 0, b'a', 0, 0, 0]).bytes());
    }

    #[test]
    fn a_length_that_starts_with_255_is_refused() {
        assert_eq!(Err(Error::Malformed), TlReader::new(&[0xff; 300]).bytes());
    }

    #[test]
    fn a_string_has_to_be_utf_8() {
        assert_eq!(Ok("é"), TlReader::new(&written("é".as_bytes())).string());
        assert_eq!(Err(Error::Malformed), TlReader::new(&written(&[0xc3])).string());
    }

    #[test]
    fn a_vector_has_no_more_items_than_bytes_allow() {
        let mut out = Vec::new();
        write_vector_header(&mut out, 2).unwrap();
        out.extend_from_slice(&[0; 16]);

        assert_eq!(Ok(2), TlReader::new(&out).vector(8));
        assert_eq!(Err(Error::Malformed), TlReader::new(&out[..23]).vector(8));
        assert_eq!(Err(Error::Malformed), TlReader::new(&out).vector(usize::MAX));
        assert_eq!(Err(Error::Malformed), TlReader::new(&out[..12]).vector(0));
    }

    #[test]
    fn vectors_of_another_constructor_or_of_fewer_than_no_items_are_refused() {
        let mut out = Vec::new();
        write_id(&mut out, VECTOR);
        write_int(&mut out, -1);
        assert_eq!(Err(Error::Malformed), TlReader::new(&out).vector(8));

        assert_eq!(Err(Error::Malformed), TlReader::new(&[0; 8]).vector(8));
        assert_eq!(Err(Error::InvalidArgument), write_vector_header(&mut Vec::new(), 1 << 31));
    }
}
