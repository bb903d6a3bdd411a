// SPDX-License-Identifier: MIT OR Apache-2.0
//! Safety numbers: what two people compare, as 60 digits or by a camera, to know that nobody is
//! between them (signal.md §11).

use core::fmt::Write as _;

use e2ee_primitives::{Secret, sha, x25519};
use e2ee_wire::{
    Error,
    protobuf::{self, Fields, Value},
};

use crate::{address::ServiceId, keys::encode_ec};

/// Digits of a safety number.
pub const DIGITS: usize = 60;
/// Bytes of a person's hash in the scannable form.
pub const HASH_LEN: usize = 32;
const CHUNK_LEN: usize = 5;
const CHUNKS: usize = 6;

/// One of the two people.
#[derive(Debug)]
pub struct Party<'a> {
    /// The identity key.
    pub identity_key: &'a x25519::PublicKey,
    /// The id, in the form that the version says.
    pub id: &'a [u8],
}

/// What the ids are; it travels in the scannable form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 1: phone numbers, E.164 text in UTF-8.
    PhoneNumbers,
    /// 2: service ids in their variable binary form.
    ServiceIds,
}

impl Version {
    /// [`Error::InvalidArgument`] unless `number` is 1 or 2.
    pub const fn new(number: u32) -> Result<Self, Error> {
        match number {
            1 => Ok(Self::PhoneNumbers),
            2 => Ok(Self::ServiceIds),
            _ => Err(Error::InvalidArgument),
        }
    }

    /// The bytes of an id in text form; [`Error::InvalidArgument`] if it is none of this version.
    pub fn id(self, text: &str) -> Result<Vec<u8>, Error> {
        match self {
            Self::PhoneNumbers if is_phone_number(text) => Ok(text.as_bytes().to_vec()),
            Self::PhoneNumbers => Err(Error::InvalidArgument),
            Self::ServiceIds => {
                ServiceId::parse(text).map(|id| id.binary()).ok_or(Error::InvalidArgument)
            }
        }
    }
}

/// How often each hash is repeated: 2 to 1 000 000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iterations(u32);

impl Iterations {
    /// What all applications use.
    pub const APPLICATIONS: Self = Self(5_200);

    /// [`Error::InvalidArgument`] below 2 or above 1 000 000.
    pub fn new(number: u32) -> Result<Self, Error> {
        if (2..=1_000_000).contains(&number) {
            Ok(Self(number))
        } else {
            Err(Error::InvalidArgument)
        }
    }
}

/// What both people compare. The digits are the same on both sides; of the scannable forms each
/// is the other's mirror image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafetyNumber {
    version: u32,
    ours: [u8; HASH_LEN],
    theirs: [u8; HASH_LEN],
}

impl SafetyNumber {
    /// The number of these two, as the applications make it.
    #[must_use]
    pub fn new(version: Version, ours: &Party<'_>, theirs: &Party<'_>) -> Self {
        Self::iterated(Iterations::APPLICATIONS, version, ours, theirs)
    }

    /// The number of these two with another number of iterations, which both sides must share.
    #[must_use]
    pub fn iterated(
        iterations: Iterations,
        version: Version,
        ours: &Party<'_>,
        theirs: &Party<'_>,
    ) -> Self {
        let version = match version {
            Version::PhoneNumbers => 1,
            Version::ServiceIds => 2,
        };
        Self { version, ours: hash(iterations, ours), theirs: hash(iterations, theirs) }
    }

    /// The 60 decimal digits: each person's 30, the smaller half first.
    #[must_use]
    pub fn digits(&self) -> String {
        let (ours, theirs) = (half(&self.ours), half(&self.theirs));
        if ours <= theirs { ours + &theirs } else { theirs + &ours }
    }

    /// What a QR code shows for the other person's camera.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(2 + 2 * (4 + HASH_LEN));
        protobuf::write_varint(&mut out, 1, u64::from(self.version));
        for (number, hash) in [(2, &self.ours), (3, &self.theirs)] {
            let mut side = Vec::with_capacity(2 + HASH_LEN);
            protobuf::write_bytes(&mut side, 1, hash);
            protobuf::write_bytes(&mut out, number, &side);
        }
        out
    }

    /// Reads a scannable form, of any version; [`Error::Malformed`] if a field is missing, stands
    /// twice, or has another length.
    pub fn decode(scannable: &[u8]) -> Result<Self, Error> {
        let [version, ours, theirs] = known_fields(scannable)?;
        Ok(Self { version: version.u32()?, ours: side(ours)?, theirs: side(theirs)? })
    }

    /// Whether `scanned`, which the other person's device showed, is the mirror image of ours; in a
    /// time that does not depend on the hashes.
    ///
    /// [`Error::SafetyNumberVersion`] if it is of another version: that says nothing about who is
    /// between them.
    pub fn compare(&self, scanned: &[u8]) -> Result<bool, Error> {
        let theirs = Self::decode(scanned)?;
        if theirs.version != self.version {
            return Err(Error::SafetyNumberVersion);
        }
        Ok(equal(&theirs.ours, &self.theirs) & equal(&theirs.theirs, &self.ours))
    }
}

/// `+` and at most 15 digits, the first of which is not 0 (ITU-T E.164 §6).
fn is_phone_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (1..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|digit| digit.is_ascii_digit())
    })
}

/// A person's hash, of which the digits use 30 bytes and the scannable form 32.
fn hash(iterations: Iterations, party: &Party<'_>) -> [u8; HASH_LEN] {
    let key = encode_ec(party.identity_key);
    let mut hash = sha::sha512(&[&[0, 0], &key, party.id, &key]);
    for _ in 1..iterations.0 {
        hash = sha::sha512(&[&hash, &key]);
    }
    hash.first_chunk().copied().unwrap_or([0; HASH_LEN])
}

/// A person's 30 digits: six chunks of five bytes of the hash, each modulo 100 000.
fn half(hash: &[u8; HASH_LEN]) -> String {
    let mut digits = String::with_capacity(CHUNKS * CHUNK_LEN);
    for chunk in hash.chunks_exact(CHUNK_LEN).take(CHUNKS) {
        let number = chunk.iter().fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
        // Writing to a `String` cannot fail.
        _ = write!(digits, "{:05}", number % 100_000);
    }
    digits
}

fn equal(left: &[u8; HASH_LEN], right: &[u8; HASH_LEN]) -> bool {
    Secret::new(*left).ct_eq(&Secret::new(*right))
}

fn side(field: Value<'_>) -> Result<[u8; HASH_LEN], Error> {
    let [hash] = known_fields(field.bytes()?)?;
    hash.bytes()?.try_into().map_err(|_| Error::Malformed)
}

/// Fields 1 to `N`, each of which must stand once; others are skipped.
fn known_fields<const N: usize>(message: &[u8]) -> Result<[Value<'_>; N], Error> {
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
    let mut found = [Value::Varint(0); N];
    for (to, from) in found.iter_mut().zip(known) {
        *to = from.ok_or(Error::Malformed)?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number() -> SafetyNumber {
        SafetyNumber { version: 2, ours: [1; HASH_LEN], theirs: [2; HASH_LEN] }
    }

    fn mirrored(version: u32) -> Vec<u8> {
        SafetyNumber { version, ours: [2; HASH_LEN], theirs: [1; HASH_LEN] }.encode()
    }

    #[test]
    fn the_mirror_image_compares_and_nothing_else_does() {
        assert_eq!(Ok(true), number().compare(&mirrored(2)));
        assert_eq!(Ok(false), number().compare(&number().encode()));
        for bit in 0..8 * HASH_LEN {
            let mut other = SafetyNumber { version: 2, ours: [2; HASH_LEN], theirs: [1; HASH_LEN] };
            other.theirs[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Ok(false), number().compare(&other.encode()));
        }
    }

    #[test]
    fn another_version_is_an_error_and_no_answer() {
        for version in [0, 1, 3, u32::MAX] {
            assert_eq!(Err(Error::SafetyNumberVersion), number().compare(&mirrored(version)));
        }
    }

    #[test]
    fn every_truncation_is_refused() {
        let whole = mirrored(2);
        for length in 0..whole.len() {
            assert_eq!(Err(Error::Malformed), number().compare(&whole[..length]), "{length}");
        }
    }

    #[test]
    fn a_field_that_stands_twice_is_refused_and_an_unknown_one_skipped() {
        let whole = mirrored(2);
        assert_eq!(Err(Error::Malformed), number().compare(&[&whole[..], &[8, 2]].concat()));
        assert_eq!(Ok(true), number().compare(&[&whole[..], &[0x20, 7]].concat()));
    }

    #[test]
    fn hashes_have_exactly_32_bytes() {
        for length in [0, 31, 32, 33] {
            let mut side = Vec::new();
            protobuf::write_bytes(&mut side, 1, &vec![1; length]);
            let mut scannable = Vec::new();
            protobuf::write_varint(&mut scannable, 1, 2);
            protobuf::write_bytes(&mut scannable, 2, &side);
            protobuf::write_bytes(&mut scannable, 3, &side);
            assert_eq!(length == 32, SafetyNumber::decode(&scannable).is_ok(), "{length}");
        }
    }

    #[test]
    fn phone_numbers_have_1_to_15_digits_and_service_ids_are_binary() {
        let phone = |text| Version::PhoneNumbers.id(text);
        assert_eq!(Ok(b"+14152222222".to_vec()), phone("+14152222222"));
        assert!(phone("+1").is_ok());
        assert!(phone("+123456789012345").is_ok());
        for text in ["", "+", "+1234567890123456", "+0123", "14152222222", "+1415 222", "+١"] {
            assert_eq!(Err(Error::InvalidArgument), phone(text));
        }
        let service = |text| Version::ServiceIds.id(text);
        assert_eq!(16, service("9d0652a3-dcc3-4d11-975f-74d61598733f").unwrap().len());
        assert_eq!(17, service("PNI:9d0652a3-dcc3-4d11-975f-74d61598733f").unwrap().len());
        assert_eq!(Err(Error::InvalidArgument), service("alice"));
        assert!(Version::new(0).is_err() && Version::new(3).is_err());
    }

    #[test]
    fn iterations_run_from_2_to_a_million() {
        for (number, allowed) in
            [(0, false), (1, false), (2, true), (3, true), (999_999, true), (1_000_000, true)]
        {
            assert_eq!(allowed, Iterations::new(number).is_ok(), "{number}");
        }
        assert_eq!(Err(Error::InvalidArgument), Iterations::new(1_000_001));
    }
}
