// SPDX-License-Identifier: MIT OR Apache-2.0
//! The group that a server names for an agreement, and the public values that are one of it
//! (mtproto_secret_chats.md §1).

use e2ee_primitives::{Random, modp::Modulus};
use e2ee_wire::{Error, record::RecordReader};

/// Bytes of a prime, an exponent, a public value and a key.
pub const LEN: usize = 256;

/// A generator and a safe prime of 2,048 bits, both checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    generator: u8,
    prime: Modulus,
}

/// A power of the generator that may be used: `2^1984 ≤ value ≤ prime − 2^1984` (§1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicValue([u8; LEN]);

impl Group {
    /// Bytes of the stored form.
    pub const STORED_LEN: usize = 1 + LEN;

    /// The group that a server sends, after all checks of §1; anything else is
    /// [`Error::InvalidKey`].
    ///
    /// `p` is exactly 256 bytes, big-endian, with its highest bit set; `p` and `(p − 1) / 2` are
    /// primes, and `g` is between 2 and 7 and generates the squares. Only of today's prime are the
    /// tests of primality, which draw, left out.
    pub fn new(g: i32, p: &[u8], random: &mut dyn Random) -> Result<Self, Error> {
        let prime: &[u8; LEN] = p.try_into().map_err(|_| Error::InvalidKey)?;
        let group = Self::unproved(u8::try_from(g).map_err(|_| Error::InvalidKey)?, prime)?;
        if *prime == KNOWN_PRIME || group.prime.is_safe_prime(random)? {
            Ok(group)
        } else {
            Err(Error::InvalidKey)
        }
    }

    /// The generator, `g`.
    #[must_use]
    pub const fn generator(&self) -> u8 {
        self.generator
    }

    /// The prime, `p`, big-endian.
    #[must_use]
    pub fn prime(&self) -> [u8; LEN] {
        self.prime.to_bytes()
    }

    /// A public value as it came, ours or a peer's, after the check of §1.
    ///
    /// Up to 256 bytes, since peers leave zeros at the front away; [`Error::InvalidKey`] for more,
    /// and for a value near 0 or near the prime.
    pub fn public_value(&self, bytes: &[u8]) -> Result<PublicValue, Error> {
        let zeros = LEN.checked_sub(bytes.len()).ok_or(Error::InvalidKey)?;
        let mut value = [0; LEN];
        for (to, from) in value.iter_mut().skip(zeros).zip(bytes) {
            *to = *from;
        }
        if high(&value) >= 1 && value <= self.highest() {
            Ok(PublicValue(value))
        } else {
            Err(Error::InvalidKey)
        }
    }

    /// Appends generator and prime.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.generator);
        out.extend_from_slice(&self.prime());
    }

    /// Reads what [`Group::encode`] wrote; that the prime is one was seen before it was written.
    pub fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        Self::unproved(reader.u8()?, reader.array()?).map_err(|_| Error::CorruptState)
    }

    pub(crate) const fn modulus(&self) -> &Modulus {
        &self.prime
    }

    /// All checks but those of primality.
    fn unproved(generator: u8, prime: &[u8; LEN]) -> Result<Self, Error> {
        let group = Self { generator, prime: Modulus::new(prime)? };
        if generates_squares(generator, prime) { Ok(group) } else { Err(Error::InvalidKey) }
    }

    /// `prime − 2^1984`, whose lower 1,984 bits are those of the prime.
    fn highest(&self) -> [u8; LEN] {
        let mut highest = self.prime.to_bytes();
        let reduced = high(&highest).saturating_sub(1).to_be_bytes();
        for (to, from) in highest.iter_mut().zip(reduced) {
            *to = from;
        }
        highest
    }
}

impl PublicValue {
    /// The value, big-endian.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; LEN] {
        &self.0
    }

    /// The value without the zero bytes at its front, as clients send it.
    ///
    /// The commitment and the emoji of a call are of these bytes (§8).
    #[must_use]
    pub fn as_sent(&self) -> &[u8] {
        let zeros = self.0.iter().take_while(|byte| **byte == 0).count();
        self.0.get(zeros..).unwrap_or_default()
    }
}

/// The value without its lower 1,984 bits.
fn high(value: &[u8; LEN]) -> u64 {
    value.first_chunk().map_or(0, |high| u64::from_be_bytes(*high))
}

/// Whether `generator` is a square modulo a safe prime, so that what it generates has prime order:
/// the table of §1, which knows no other generators.
fn generates_squares(generator: u8, prime: &[u8; LEN]) -> bool {
    match generator {
        2 => modulo::<8>(prime) == 7,
        3 => modulo::<3>(prime) == 2,
        4 => true,
        5 => matches!(modulo::<5>(prime), 1 | 4),
        6 => matches!(modulo::<24>(prime), 19 | 23),
        7 => matches!(modulo::<7>(prime), 3 | 5 | 6),
        _ => false,
    }
}

/// A word at a time and by a constant, which is a multiplication: chats are read with each message.
fn modulo<const SMALL: u64>(prime: &[u8; LEN]) -> u64 {
    let (words, _) = prime.as_chunks();
    words.iter().fold(0, |rest, word| ((rest << 32) + u64::from(u32::from_be_bytes(*word))) % SMALL)
}

/// The prime that Telegram's servers send today, a safe one.
pub(crate) const KNOWN_PRIME: [u8; LEN] = [
    0xc7, 0x1c, 0xae, 0xb9, 0xc6, 0xb1, 0xc9, 0x04, 0x8e, 0x6c, 0x52, 0x2f, 0x70, 0xf1, 0x3f, 0x73,
    0x98, 0x0d, 0x40, 0x23, 0x8e, 0x3e, 0x21, 0xc1, 0x49, 0x34, 0xd0, 0x37, 0x56, 0x3d, 0x93, 0x0f,
    0x48, 0x19, 0x8a, 0x0a, 0xa7, 0xc1, 0x40, 0x58, 0x22, 0x94, 0x93, 0xd2, 0x25, 0x30, 0xf4, 0xdb,
    0xfa, 0x33, 0x6f, 0x6e, 0x0a, 0xc9, 0x25, 0x13, 0x95, 0x43, 0xae, 0xd4, 0x4c, 0xce, 0x7c, 0x37,
    0x20, 0xfd, 0x51, 0xf6, 0x94, 0x58, 0x70, 0x5a, 0xc6, 0x8c, 0xd4, 0xfe, 0x6b, 0x6b, 0x13, 0xab,
    0xdc, 0x97, 0x46, 0x51, 0x29, 0x69, 0x32, 0x84, 0x54, 0xf1, 0x8f, 0xaf, 0x8c, 0x59, 0x5f, 0x64,
    0x24, 0x77, 0xfe, 0x96, 0xbb, 0x2a, 0x94, 0x1d, 0x5b, 0xcd, 0x1d, 0x4a, 0xc8, 0xcc, 0x49, 0x88,
    0x07, 0x08, 0xfa, 0x9b, 0x37, 0x8e, 0x3c, 0x4f, 0x3a, 0x90, 0x60, 0xbe, 0xe6, 0x7c, 0xf9, 0xa4,
    0xa4, 0xa6, 0x95, 0x81, 0x10, 0x51, 0x90, 0x7e, 0x16, 0x27, 0x53, 0xb5, 0x6b, 0x0f, 0x6b, 0x41,
    0x0d, 0xba, 0x74, 0xd8, 0xa8, 0x4b, 0x2a, 0x14, 0xb3, 0x14, 0x4e, 0x0e, 0xf1, 0x28, 0x47, 0x54,
    0xfd, 0x17, 0xed, 0x95, 0x0d, 0x59, 0x65, 0xb4, 0xb9, 0xdd, 0x46, 0x58, 0x2d, 0xb1, 0x17, 0x8d,
    0x16, 0x9c, 0x6b, 0xc4, 0x65, 0xb0, 0xd6, 0xff, 0x9c, 0xa3, 0x92, 0x8f, 0xef, 0x5b, 0x9a, 0xe4,
    0xe4, 0x18, 0xfc, 0x15, 0xe8, 0x3e, 0xbe, 0xa0, 0xf8, 0x7f, 0xa9, 0xff, 0x5e, 0xed, 0x70, 0x05,
    0x0d, 0xed, 0x28, 0x49, 0xf4, 0x7b, 0xf9, 0x59, 0xd9, 0x56, 0x85, 0x0c, 0xe9, 0x29, 0x85, 0x1f,
    0x0d, 0x81, 0x15, 0xf6, 0x35, 0xb1, 0x05, 0xee, 0x2e, 0x4e, 0x15, 0xd0, 0x4b, 0x24, 0x54, 0xbf,
    0x6f, 0x4f, 0xad, 0xf0, 0x34, 0xb1, 0x04, 0x03, 0x11, 0x9c, 0xd8, 0xe3, 0xb9, 0x2f, 0xcc, 0x5b,
];

#[cfg(test)]
mod tests;
