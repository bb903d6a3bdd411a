// SPDX-License-Identifier: MIT OR Apache-2.0
//! Usernames: their text, the hash by which a service knows them, and the link in which they are
//! passed on (signal.md §14.2).

use e2ee_primitives::{
    Random, Secret, SecretBytes,
    cbc_hmac::{cbc_decrypt, cbc_encrypt},
    hkdf,
    hmac::HmacKey,
    ristretto, sha,
};
use e2ee_wire::{
    Error, Reader,
    protobuf::{Fields, write_bytes},
};

/// The most characters of a nickname.
pub const MAX_NICKNAME_LEN: usize = 48;
/// Bytes to which text and padding of a link add up.
const LINK_TEXT_LEN: usize = 48;
const TEXT: u32 = 1;
const PADDING: u32 = 2;

/// A valid username, `nickname.discriminator`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username {
    /// As it was written.
    text: String,
    /// In small letters.
    nickname: String,
    discriminator: u64,
}

impl Username {
    /// Reads a username; [`Error::InvalidArgument`] if the text is none.
    ///
    /// The nickname has 1 to 48 characters of `a-z`, `0-9` and `_` in either case, and does not
    /// begin with a digit. The discriminator is 1 or more, with two digits at least and no other
    /// leading zero.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (nickname, digits) = text.split_once('.').ok_or(Error::InvalidArgument)?;
        let nickname = nickname.to_ascii_lowercase();
        let starts = nickname.bytes().next().is_some_and(|first| !first.is_ascii_digit());
        let known = nickname.bytes().all(|byte| code(byte).is_some());
        if !starts || !known || nickname.len() > MAX_NICKNAME_LEN {
            return Err(Error::InvalidArgument);
        }
        let discriminator = discriminator(digits).ok_or(Error::InvalidArgument)?;
        Ok(Self { text: text.to_owned(), nickname, discriminator })
    }

    /// The text as it was given, in which the case of letters is kept.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The hash by which the service finds the account, an element of ristretto255.
    ///
    /// Names that differ in case only have the same.
    pub fn hash(&self) -> Result<[u8; 32], Error> {
        let discriminator = self.discriminator.to_be_bytes();
        let whole = sha::sha512(&[self.nickname.as_bytes(), &[0], &discriminator]);
        let mut number = [0; 64];
        for (to, from) in number.iter_mut().zip(self.discriminator.to_le_bytes()) {
            *to = from;
        }
        let [first, second, third] = &GENERATORS;
        ristretto::weighted_sum(&[
            (&whole, first),
            (&nickname_scalar(&self.nickname), second),
            (&number, third),
        ])
    }

    /// A fresh link: its key, which goes into the link itself, and the bytes that the service keeps.
    pub fn link(&self, random: &mut dyn Random) -> Result<(Secret<32>, Vec<u8>), Error> {
        let link_key = Secret::random(random)?;
        let sealed = self.seal(&link_key, random)?;
        Ok((link_key, sealed))
    }

    /// The link of this username under a key that was given away already.
    pub fn seal(&self, link_key: &Secret<32>, random: &mut dyn Random) -> Result<Vec<u8>, Error> {
        let mut iv = [0; 16];
        random.fill(&mut iv)?;
        let mut message = Vec::new();
        write_bytes(&mut message, TEXT, self.text.as_bytes());
        let padding = vec![0; LINK_TEXT_LEN.saturating_sub(self.text.len())];
        write_bytes(&mut message, PADDING, &padding);
        let (cipher_key, mac_key) = keys(link_key);
        let ciphertext = cbc_encrypt(&cipher_key, &iv, &message);
        let tag = mac_key.tag(&[&iv, &ciphertext]);
        Ok([&iv[..], &ciphertext, &tag].concat())
    }

    /// Opens a link with its key.
    ///
    /// [`Error::Forged`] if it was not made with this key, [`Error::Malformed`] if what it holds is
    /// no username.
    pub fn open(link_key: &Secret<32>, sealed: &[u8]) -> Result<Self, Error> {
        let (body, tag) = sealed.split_last_chunk::<32>().ok_or(Error::Forged)?;
        let (cipher_key, mac_key) = keys(link_key);
        if !mac_key.verify(&[body], tag) {
            return Err(Error::Forged);
        }
        let mut reader = Reader::new(body);
        let iv = reader.array::<16>().map_err(|_| Error::Forged)?;
        let message: SecretBytes = cbc_decrypt(&cipher_key, iv, reader.rest())?;
        let mut text: &[u8] = &[];
        let mut fields = Fields::new(message.expose());
        while let Some((number, value)) = fields.next_field()? {
            if number == TEXT {
                text = value.bytes()?;
            }
        }
        let text = core::str::from_utf8(text).map_err(|_| Error::Malformed)?;
        Self::parse(text).map_err(|_| Error::Malformed)
    }
}

fn keys(link_key: &Secret<32>) -> (Secret<32>, HmacKey) {
    let derive = |info: &[u8]| -> Secret<32> { hkdf::derive(&[], &[link_key.expose()], &[info]) };
    let mac_key = derive(b"Signal Username Link Authentication Key");
    (derive(b"Signal Username Link Encryption Key"), HmacKey::new(mac_key.expose()))
}

fn discriminator(digits: &str) -> Option<u64> {
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    let padded_in_vain = digits.len() > 2 && digits.starts_with('0');
    if digits.len() < 2 || padded_in_vain || !all_digits {
        return None;
    }
    digits.parse().ok().filter(|number| *number >= 1)
}

/// `_` is 1, the letters 2 to 27, the digits 28 to 37.
fn code(byte: u8) -> Option<u8> {
    match byte {
        b'_' => Some(1),
        b'a'..=b'z' => byte.checked_sub(b'a').and_then(|place| place.checked_add(2)),
        b'0'..=b'9' => byte.checked_sub(b'0').and_then(|place| place.checked_add(28)),
        _ => None,
    }
}

/// c₀ + 27·(c₁ + 37·(c₂ + …)), little-endian; 48 characters stay below 2²⁵⁶.
fn nickname_scalar(nickname: &str) -> [u8; 64] {
    let mut number = [0; 64];
    for (place, byte) in nickname.bytes().enumerate().rev() {
        let base = if place == 0 { 27 } else { 37 };
        multiply_add(&mut number, base, code(byte).unwrap_or(0));
    }
    number
}

fn multiply_add(number: &mut [u8; 64], factor: u8, term: u8) {
    let mut carry = term;
    for digit in number {
        let product = u16::from(*digit) * u16::from(factor) + u16::from(carry);
        [*digit, carry] = product.to_le_bytes();
    }
}

/// G₁, G₂, G₃.
const GENERATORS: [[u8; 32]; 3] = [
    [
        0x60, 0xb9, 0x93, 0x66, 0x3a, 0x3d, 0xae, 0xcc, 0x4c, 0x85, 0x2f, 0x53, 0x35, 0x47, 0xe3,
        0x05, 0x38, 0x8c, 0x2a, 0x50, 0xa5, 0x83, 0x93, 0xea, 0x27, 0x7d, 0xe4, 0xab, 0xf3, 0xde,
        0x54, 0x3a,
    ],
    [
        0xf2, 0xb6, 0xf1, 0xc8, 0x26, 0xfa, 0x36, 0x40, 0x20, 0x6f, 0x3b, 0x58, 0xb2, 0x28, 0x6b,
        0xde, 0xfd, 0xfd, 0xa6, 0xa5, 0x4f, 0xf9, 0x02, 0xf2, 0x04, 0xa7, 0x2d, 0xe7, 0x37, 0xd2,
        0x61, 0x57,
    ],
    [
        0x06, 0x06, 0xbd, 0x3a, 0xbf, 0xce, 0x4e, 0x96, 0x17, 0xd4, 0x48, 0xfb, 0x2c, 0xae, 0xb6,
        0xcc, 0x02, 0x8e, 0xc9, 0xa2, 0xb6, 0x2b, 0x10, 0xb3, 0xd9, 0xeb, 0x29, 0x48, 0xda, 0x6f,
        0x3f, 0x53,
    ],
];

#[cfg(test)]
mod tests;
