// SPDX-License-Identifier: MIT OR Apache-2.0
//! As much JSON as vodozemac's pickles have (RFC 8259 §2; olm_megolm.md §3): objects, arrays,
//! unsigned integers, plain strings, flags and null.
//!
//! It is read from the wiped plaintext straight into wiped keys: a library for all of JSON keeps
//! numbers in buffers of its own when it must look at a value before it knows what it is.

use e2ee_primitives::{Secret, secret::SecretBytes};
use e2ee_wire::Error;

/// How deep values may be nested.
const MAX_DEPTH: u32 = 16;

/// A cursor over a JSON text; each call takes one value.
#[derive(Debug)]
pub struct Json<'a> {
    rest: &'a [u8],
    depth: u32,
}

impl<'a> Json<'a> {
    /// A cursor at the beginning of `text`.
    pub const fn new(text: &'a [u8]) -> Self {
        Self { rest: text, depth: 0 }
    }

    /// Ends the reading: what is left, other than white space, is an error.
    pub fn finish(mut self) -> Result<(), Error> {
        if self.peek().is_none() { Ok(()) } else { Err(Error::Malformed) }
    }

    /// The next byte that is no white space.
    pub fn peek(&mut self) -> Option<u8> {
        while let Some((b' ' | b'\n' | b'\r' | b'\t', rest)) = self.rest.split_first() {
            self.rest = rest;
        }
        self.rest.first().copied()
    }

    /// Calls `field` with each name of an object; it must take the value.
    pub fn object(
        &mut self,
        mut field: impl FnMut(&mut Self, &str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.list(b'{', b'}', |json| {
            let name = json.string()?;
            json.expect(b':')?;
            field(json, name)
        })
    }

    /// Calls `item` for each value of an array; it must take the value.
    pub fn array(&mut self, item: impl FnMut(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        self.list(b'[', b']', item)
    }

    /// An unsigned integer of at most 64 bits.
    pub fn number(&mut self) -> Result<u64, Error> {
        let first = self.peek();
        let mut value = 0_u64;
        let mut digits = 0_u32;
        while let Some((digit @ b'0'..=b'9', rest)) = self.rest.split_first() {
            let digit = u64::from(digit.wrapping_sub(b'0'));
            let tenfold = value.checked_mul(10).ok_or(Error::Malformed)?;
            value = tenfold.checked_add(digit).ok_or(Error::Malformed)?;
            digits = digits.saturating_add(1);
            self.rest = rest;
        }
        let leading_zero = first == Some(b'0') && digits > 1;
        if digits == 0 || leading_zero { Err(Error::Malformed) } else { Ok(value) }
    }

    /// An unsigned integer of at most 32 bits.
    pub fn index(&mut self) -> Result<u32, Error> {
        u32::try_from(self.number()?).map_err(|_| Error::Malformed)
    }

    /// A string without escapes: the names and tags that are read have none.
    pub fn string(&mut self) -> Result<&'a str, Error> {
        self.expect(b'"')?;
        let length = self.rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
        let (string, rest) = self.rest.split_at(length.ok_or(Error::Malformed)?);
        self.rest = rest;
        self.expect_here(b'"')?;
        str::from_utf8(string).map_err(|_| Error::Malformed)
    }

    /// True or false.
    pub fn flag(&mut self) -> Result<bool, Error> {
        if self.word(b"true") {
            Ok(true)
        } else if self.word(b"false") {
            Ok(false)
        } else {
            Err(Error::Malformed)
        }
    }

    /// Whether the value is null; only then it is taken.
    pub fn null(&mut self) -> bool {
        self.word(b"null")
    }

    /// An array of just `N` bytes.
    pub fn bytes<const N: usize>(&mut self) -> Result<Secret<N>, Error> {
        let mut buffer = SecretBytes::new(Vec::new());
        let mut places = buffer.prepare(N).iter_mut();
        self.array(|json| {
            let place = places.next().ok_or(Error::Malformed)?;
            *place = u8::try_from(json.number()?).map_err(|_| Error::Malformed)?;
            Ok(())
        })?;
        if places.next().is_some() {
            return Err(Error::Malformed);
        }
        Secret::from_slice(buffer.expose()).ok_or(Error::Malformed)
    }

    /// Takes a value of a field that is not known.
    pub fn skip(&mut self) -> Result<(), Error> {
        match self.peek() {
            Some(b'{') => self.object(|json, _| json.skip()),
            Some(b'[') => self.array(Self::skip),
            Some(b'"') => self.string().map(|_| ()),
            Some(b't' | b'f') => self.flag().map(|_| ()),
            Some(b'n') if self.null() => Ok(()),
            _ => self.number().map(|_| ()),
        }
    }

    fn list(
        &mut self,
        open: u8,
        close: u8,
        mut entry: impl FnMut(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.expect(open)?;
        self.depth = self
            .depth
            .checked_add(1)
            .filter(|depth| *depth <= MAX_DEPTH)
            .ok_or(Error::Malformed)?;
        if self.peek() == Some(close) {
            self.expect(close)?;
        } else {
            loop {
                entry(self)?;
                if self.peek() == Some(close) {
                    self.expect(close)?;
                    break;
                }
                self.expect(b',')?;
            }
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    fn expect(&mut self, expected: u8) -> Result<(), Error> {
        self.peek();
        self.expect_here(expected)
    }

    fn expect_here(&mut self, expected: u8) -> Result<(), Error> {
        match self.rest.split_first() {
            Some((byte, rest)) if *byte == expected => {
                self.rest = rest;
                Ok(())
            }
            _ => Err(Error::Malformed),
        }
    }

    fn word(&mut self, word: &[u8]) -> bool {
        self.peek();
        let rest = self.rest.strip_prefix(word);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

/// Appends an array of bytes: at most four bytes for each, and two.
pub fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'[');
    for (place, byte) in bytes.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write_number(out, u64::from(*byte));
    }
    out.push(b']');
}

/// Appends a number: at most twenty bytes.
pub fn write_number(out: &mut Vec<u8>, number: u64) {
    let mut divisor = 1_u64;
    while let Some(next) = divisor.checked_mul(10).filter(|next| *next <= number) {
        divisor = next;
    }
    while divisor > 0 {
        let digit = number.checked_div(divisor).unwrap_or(0) % 10;
        out.push(b'0'.saturating_add(digit.to_le_bytes()[0]));
        divisor /= 10;
    }
}
