// SPDX-License-Identifier: MIT OR Apache-2.0
//! JSON that may hold secrets, as vodozemac's pickles and events with room keys do (RFC 8259;
//! olm_megolm.md §3 and §8).
//!
//! It is read from the wiped plaintext straight into wiped keys: a library for all of JSON keeps
//! values in buffers of its own when it must look at one before it knows what it is.

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
            let name = json.text()?;
            json.expect(b':')?;
            field(json, name.as_str()?)
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

    /// A string without escapes: keys and tags that our peers write have none.
    pub fn string(&mut self) -> Result<&'a str, Error> {
        match self.text()? {
            Text::Plain(string) => Ok(string),
            Text::Unescaped(_) => Err(Error::Malformed),
        }
    }

    /// Any string.
    pub fn text(&mut self) -> Result<Text<'a>, Error> {
        self.expect(b'"')?;
        let (mut length, mut escaped) = (0_usize, false);
        loop {
            match self.rest.get(length) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    length = length.saturating_add(2);
                }
                Some(0x20..) => length = length.saturating_add(1),
                _ => return Err(Error::Malformed),
            }
        }
        let (raw, rest) = self.rest.split_at_checked(length).ok_or(Error::Malformed)?;
        self.rest = rest;
        self.expect_here(b'"')?;
        let raw = str::from_utf8(raw).map_err(|_| Error::Malformed)?;
        if escaped { unescaped(raw).map(Text::Unescaped) } else { Ok(Text::Plain(raw)) }
    }

    /// True or false.
    pub fn flag(&mut self) -> Result<bool, Error> {
        self.peek();
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
        self.peek();
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
            Some(b'"') => self.text().map(|_| ()),
            Some(b't' | b'f') => self.flag().map(|_| ()),
            Some(b'n') if self.null() => Ok(()),
            _ => self.skip_number(),
        }
    }

    /// Takes a number of any kind (RFC 8259 §6).
    fn skip_number(&mut self) -> Result<(), Error> {
        self.word(b"-");
        if !self.word(b"0") {
            self.digits()?;
        }
        if self.word(b".") {
            self.digits()?;
        }
        if self.word(b"e") || self.word(b"E") {
            _ = self.word(b"+") || self.word(b"-");
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Error> {
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.rest = self.rest.get(length..).filter(|_| length > 0).ok_or(Error::Malformed)?;
        Ok(())
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
        let rest = self.rest.strip_prefix(word);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

/// A string, wiped if it had to be copied.
#[derive(Debug)]
pub enum Text<'a> {
    /// As it stands in the text.
    Plain(&'a str),
    /// Without its escapes.
    Unescaped(SecretBytes),
}

impl Text<'_> {
    /// The characters.
    pub fn as_str(&self) -> Result<&str, Error> {
        match self {
            Self::Plain(string) => Ok(string),
            Self::Unescaped(bytes) => str::from_utf8(bytes.expose()).map_err(|_| Error::Malformed),
        }
    }
}

/// A string without its escapes, which are longer than what they stand for (RFC 8259 §7).
fn unescaped(raw: &str) -> Result<SecretBytes, Error> {
    let mut out = SecretBytes::new(Vec::new());
    let mut places = out.prepare(raw.len()).iter_mut();
    let mut rest = raw.chars();
    let mut length = 0_usize;
    while let Some(next) = rest.next() {
        let character = if next == '\\' { escape(&mut rest)? } else { next };
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            *places.next().ok_or(Error::Malformed)? = byte;
            length = length.saturating_add(1);
        }
    }
    out.truncate(length);
    Ok(out)
}

/// The character of an escape behind its backslash.
fn escape(rest: &mut core::str::Chars<'_>) -> Result<char, Error> {
    Ok(match rest.next() {
        Some(same @ ('"' | '\\' | '/')) => same,
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => return code_point(rest),
        _ => return Err(Error::Malformed),
    })
}

/// The character of four digits, or of two surrogates of four digits each.
fn code_point(rest: &mut core::str::Chars<'_>) -> Result<char, Error> {
    let first = code_unit(rest)?;
    let value = if let 0xd800..=0xdbff = first {
        let second = match (rest.next(), rest.next()) {
            (Some('\\'), Some('u')) => code_unit(rest)?,
            _ => return Err(Error::Malformed),
        };
        if !(0xdc00..=0xdfff).contains(&second) {
            return Err(Error::Malformed);
        }
        0x1_0000 + ((first & 0x3ff) << 10) + (second & 0x3ff)
    } else {
        first
    };
    char::from_u32(value).ok_or(Error::Malformed)
}

fn code_unit(rest: &mut core::str::Chars<'_>) -> Result<u32, Error> {
    (0..4).try_fold(0, |value, _| {
        let digit = rest.next().and_then(|digit| digit.to_digit(16)).ok_or(Error::Malformed)?;
        Ok(value << 4 | digit)
    })
}

/// Appends a string with its quotation marks (RFC 8259 §7).
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.push(b'\\'),
            '\0'..='\u{1f}' => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
                continue;
            }
            _ => {}
        }
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    out.push(b'"');
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

#[cfg(test)]
mod tests;
