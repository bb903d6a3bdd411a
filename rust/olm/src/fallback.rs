// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fallback keys, which serve when the one-time keys on the server are used up, and which first
//! messages were accepted under them (olm_megolm.md §1.4; docs/formats.md, "Olm account").
//!
//! A one-time key is forgotten with the first message that opens, so that message cannot be accepted
//! again. A fallback key stays: what stands in the way of a replay is the memory that goes with it.

use std::collections::VecDeque;

use e2ee_primitives::x25519::PublicKey;
use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

use crate::{
    limits::MAX_ACCEPTED_BASE_KEYS,
    one_time_keys::{KEY_LEN, OneTimeKey},
};

/// The fallback keys of an account.
#[derive(Debug)]
pub enum Fallback {
    /// None was made.
    None,
    /// One that others may start sessions with.
    Current(FallbackKey),
    /// The same, and the one before it, whose last messages may be on their way.
    Both {
        /// The newer one.
        current: FallbackKey,
        /// The one before it.
        previous: FallbackKey,
    },
}

/// A fallback key, and the base keys of the latest sessions that others started with it, oldest first.
///
/// A base key is drawn for one session, and only who drew it can make a first message that opens.
#[derive(Debug)]
pub struct FallbackKey {
    key: OneTimeKey,
    accepted: VecDeque<PublicKey>,
}

/// Whether a stored form has the base keys with the fallback keys.
#[derive(Clone, Copy, Debug)]
pub enum Memory {
    /// It has none: version 1 of an account's record.
    Absent,
    /// It has them.
    Stored,
}

impl Fallback {
    /// Keys that another program kept, the current one first.
    ///
    /// [`Error::Malformed`] if there are more than two.
    pub fn assemble(keys: Vec<OneTimeKey>) -> Result<Self, Error> {
        let mut keys = keys.into_iter().map(FallbackKey::new);
        match (keys.next(), keys.next(), keys.next()) {
            (None, ..) => Ok(Self::None),
            (Some(current), None, _) => Ok(Self::Current(current)),
            (Some(current), Some(previous), None) => Ok(Self::Both { current, previous }),
            _ => Err(Error::Malformed),
        }
    }

    /// The keys, the current one first.
    pub fn newest_first(&self) -> impl Iterator<Item = &OneTimeKey> {
        self.entries().map(|entry| &entry.key)
    }

    /// Takes a new key; the current one becomes the previous, and the previous goes.
    pub fn renew(&mut self, key: OneTimeKey) {
        let current = FallbackKey::new(key);
        *self = match core::mem::replace(self, Self::None) {
            Self::None => Self::Current(current),
            Self::Current(previous) | Self::Both { current: previous, .. } => {
                Self::Both { current, previous }
            }
        };
    }

    /// Forgets the previous key, and what was accepted under it; false if there is none.
    pub fn forget_previous(&mut self) -> bool {
        match core::mem::replace(self, Self::None) {
            Self::Both { current, .. } => {
                *self = Self::Current(current);
                true
            }
            other => {
                *self = other;
                false
            }
        }
    }

    /// Says that the server has the current key.
    pub const fn mark_as_published(&mut self) {
        match self {
            Self::None => {}
            Self::Current(current) | Self::Both { current, .. } => current.key.published = true,
        }
    }

    /// Whether a session with this base key was accepted under the key with this public half.
    pub fn has_accepted(&self, public: &PublicKey, base_key: &PublicKey) -> bool {
        let mut entries = self.entries().filter(|entry| entry.key.key.public() == public);
        entries.any(|entry| entry.accepted.contains(base_key))
    }

    /// Remembers a session that was accepted; of too many, the oldest is forgotten.
    pub fn accepted(&mut self, public: &PublicKey, base_key: &PublicKey) {
        let (current, previous) = match self {
            Self::None => (None, None),
            Self::Current(current) => (Some(current), None),
            Self::Both { current, previous } => (Some(current), Some(previous)),
        };
        for entry in [current, previous].into_iter().flatten() {
            if entry.key.key.public() == public {
                entry.remember(base_key);
            }
        }
    }

    /// Appends the stored form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_length(out, self.entries().count());
        self.entries().for_each(|entry| entry.encode(out));
    }

    /// Bytes that [`Fallback::encode`] appends.
    pub fn encoded_len(&self) -> usize {
        self.entries().map(FallbackKey::encoded_len).fold(LENGTH_LEN, usize::saturating_add)
    }

    /// Reads the stored form.
    pub fn decode(
        reader: &mut RecordReader<'_>,
        next_id: u64,
        memory: Memory,
    ) -> Result<Self, Error> {
        let key = |reader: &mut RecordReader<'_>| FallbackKey::decode(reader, next_id, memory);
        Ok(match reader.length(MAX_FALLBACK_KEYS)? {
            0 => Self::None,
            1 => Self::Current(key(reader)?),
            _ => Self::Both { current: key(reader)?, previous: key(reader)? },
        })
    }

    fn entries(&self) -> impl Iterator<Item = &FallbackKey> {
        let (current, previous) = match self {
            Self::None => (None, None),
            Self::Current(current) => (Some(current), None),
            Self::Both { current, previous } => (Some(current), Some(previous)),
        };
        current.into_iter().chain(previous)
    }
}

impl FallbackKey {
    const fn new(key: OneTimeKey) -> Self {
        Self { key, accepted: VecDeque::new() }
    }

    fn remember(&mut self, base_key: &PublicKey) {
        while self.accepted.len() >= MAX_ACCEPTED_BASE_KEYS {
            self.accepted.pop_front();
        }
        self.accepted.push_back(*base_key);
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.key.encode(out);
        write_length(out, self.accepted.len());
        self.accepted.iter().for_each(|base_key| out.extend_from_slice(base_key.as_bytes()));
    }

    fn encoded_len(&self) -> usize {
        self.accepted.len().saturating_mul(32).saturating_add(KEY_LEN + LENGTH_LEN)
    }

    fn decode(reader: &mut RecordReader<'_>, next_id: u64, memory: Memory) -> Result<Self, Error> {
        let mut entry = Self::new(OneTimeKey::decode(reader, 0, next_id)?);
        let count = match memory {
            Memory::Absent => 0,
            Memory::Stored => reader.length(MAX_ACCEPTED_BASE_KEYS)?,
        };
        for _ in 0..count {
            entry.accepted.push_back(PublicKey::new(*reader.array()?));
        }
        Ok(entry)
    }
}

/// The current one and the one before it.
const MAX_FALLBACK_KEYS: usize = 2;
/// Of the number of entries before a list.
const LENGTH_LEN: usize = 4;

#[cfg(test)]
mod tests {
    use e2ee_primitives::x25519::PrivateKey;

    use super::*;
    use crate::people::Counter;

    fn key(id: u64) -> OneTimeKey {
        OneTimeKey { id, key: PrivateKey::random(&mut Counter(id)).unwrap(), published: false }
    }

    fn base_key(number: usize) -> PublicKey {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        PublicKey::new(bytes)
    }

    fn public(fallback: &Fallback) -> PublicKey {
        *fallback.newest_first().next().unwrap().key.public()
    }

    fn stored(fallback: &Fallback) -> Vec<u8> {
        let mut out = Vec::new();
        fallback.encode(&mut out);
        assert_eq!(out.len(), fallback.encoded_len());
        out
    }

    #[test]
    fn the_latest_base_keys_are_remembered() {
        let mut fallback = Fallback::assemble(vec![key(1)]).unwrap();
        let public = public(&fallback);
        for number in 0..=MAX_ACCEPTED_BASE_KEYS {
            assert!(!fallback.has_accepted(&public, &base_key(number)));
            fallback.accepted(&public, &base_key(number));
            assert!(fallback.has_accepted(&public, &base_key(number)));
        }

        assert!(!fallback.has_accepted(&public, &base_key(0)));
        assert!(fallback.has_accepted(&public, &base_key(1)));
        let out = stored(&fallback);
        let mut reader = RecordReader::new(&out);
        let read = Fallback::decode(&mut reader, 2, Memory::Stored).unwrap();
        reader.finish().unwrap();
        assert_eq!(out, stored(&read));
        assert!(read.has_accepted(&public, &base_key(MAX_ACCEPTED_BASE_KEYS)));
    }

    #[test]
    fn the_memory_goes_with_its_key() {
        let mut fallback = Fallback::assemble(vec![key(1)]).unwrap();
        let first = public(&fallback);
        fallback.accepted(&first, &base_key(1));
        fallback.renew(key(2));
        let second = public(&fallback);

        assert!(fallback.has_accepted(&first, &base_key(1)));
        assert!(!fallback.has_accepted(&second, &base_key(1)));
        fallback.accepted(&second, &base_key(2));

        assert!(fallback.forget_previous());
        assert!(!fallback.has_accepted(&first, &base_key(1)));
        assert!(fallback.has_accepted(&second, &base_key(2)));
    }

    #[test]
    fn one_more_base_key_than_are_kept_is_damage() {
        let mut fallback = Fallback::assemble(vec![key(1)]).unwrap();
        let public = public(&fallback);
        (0..MAX_ACCEPTED_BASE_KEYS).for_each(|each| fallback.accepted(&public, &base_key(each)));
        let mut out = stored(&fallback);
        let count = LENGTH_LEN + KEY_LEN;
        let more = u32::try_from(MAX_ACCEPTED_BASE_KEYS + 1).unwrap();
        out[count..count + LENGTH_LEN].copy_from_slice(&more.to_be_bytes());
        out.extend_from_slice(&[0; 32]);

        let read = Fallback::decode(&mut RecordReader::new(&out), 2, Memory::Stored);

        assert_eq!(Some(Error::CorruptState), read.err());
    }

    #[test]
    fn the_stored_form_of_before_has_no_memory() {
        let mut fallback = Fallback::assemble(vec![key(1), key(2)]).unwrap();
        let public = public(&fallback);
        let mut old = Vec::new();
        write_length(&mut old, 2);
        fallback.newest_first().for_each(|key| key.encode(&mut old));

        let mut reader = RecordReader::new(&old);
        let read = Fallback::decode(&mut reader, 3, Memory::Absent).unwrap();

        reader.finish().unwrap();
        assert_eq!(stored(&fallback), stored(&read));
        fallback.accepted(&public, &base_key(1));
        assert!(!read.has_accepted(&public, &base_key(1)));
    }
}
