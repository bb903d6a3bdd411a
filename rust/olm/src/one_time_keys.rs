// SPDX-License-Identifier: MIT OR Apache-2.0
//! One-time and fallback keys: what an account publishes so that others can start sessions while it
//! is away (olm_megolm.md §1.4 and §8).

use e2ee_primitives::{Secret, random::Random, x25519};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

use crate::{
    fallback::{Fallback, Memory},
    keys::SessionKeys,
    limits::{MAX_ONE_TIME_KEYS, MAX_UNPUBLISHED_KEYS},
};

/// The keys of an account that others start sessions with.
#[derive(Debug)]
pub struct OneTimeKeys {
    /// Ascending by id, so that the oldest comes first.
    keys: Vec<OneTimeKey>,
    fallback: Fallback,
    /// One counter for both kinds.
    next_id: u64,
}

/// A key pair with its number.
#[derive(Debug)]
pub(crate) struct OneTimeKey {
    pub(crate) id: u64,
    pub(crate) key: x25519::PrivateKey,
    pub(crate) published: bool,
}

impl OneTimeKeys {
    /// No key yet; the first has the number 1.
    #[must_use]
    pub fn none() -> Self {
        let keys = Vec::with_capacity(MAX_ONE_TIME_KEYS);
        Self { keys, fallback: Fallback::None, next_id: 1 }
    }

    /// Keys that another program kept: the one-time keys, the fallback keys with the current one
    /// first, and the number that none of them has reached. Of too many, the oldest go.
    ///
    /// [`Error::Malformed`] if two one-time keys have one number, if a number is beyond the last,
    /// or if there are more than two fallback keys.
    pub(crate) fn assemble(
        mut keys: Vec<OneTimeKey>,
        fallback: Vec<OneTimeKey>,
        next_id: u64,
    ) -> Result<Self, Error> {
        keys.sort_unstable_by_key(|key| key.id);
        let distinct = keys.is_sorted_by(|one, other| one.id < other.id);
        if !distinct || keys.iter().chain(&fallback).any(|key| key.id >= next_id) {
            return Err(Error::Malformed);
        }
        keys.drain(..keys.len().saturating_sub(MAX_ONE_TIME_KEYS));
        Ok(Self { keys, fallback: Fallback::assemble(fallback)?, next_id })
    }

    /// The one-time keys, the oldest first.
    pub(crate) fn kept(&self) -> &[OneTimeKey] {
        &self.keys
    }

    /// The fallback keys, the current one first.
    pub(crate) fn kept_fallback(&self) -> impl Iterator<Item = &OneTimeKey> {
        self.fallback.newest_first()
    }

    /// The number of the next key.
    pub(crate) const fn next_id(&self) -> u64 {
        self.next_id
    }

    /// Makes `count` one-time keys; where that is more than are kept, the oldest go.
    ///
    /// [`Error::InvalidArgument`] if more than [`MAX_UNPUBLISHED_KEYS`] would wait to be published.
    pub fn generate(&mut self, count: usize, random: &mut dyn Random) -> Result<(), Error> {
        if self.unpublished().count().saturating_add(count) > MAX_UNPUBLISHED_KEYS {
            return Err(Error::InvalidArgument);
        }
        self.generate_more(count, random)
    }

    /// The same however many wait, as programs for libolm and vodozemac expect, which make new keys
    /// whenever an upload failed: only what is kept is limited, and the oldest go.
    ///
    /// [`Error::InvalidArgument`] for more than [`MAX_ONE_TIME_KEYS`].
    pub fn generate_more(&mut self, count: usize, random: &mut dyn Random) -> Result<(), Error> {
        let kept = MAX_ONE_TIME_KEYS.checked_sub(count).ok_or(Error::InvalidArgument)?;
        let mut next_id = self.next_id;
        let mut fresh = Vec::with_capacity(count);
        for _ in 0..count {
            fresh.push(OneTimeKey::random(&mut next_id, random)?);
        }
        self.keys.drain(..self.keys.len().saturating_sub(kept));
        self.keys.extend(fresh);
        self.next_id = next_id;
        Ok(())
    }

    /// Makes a one-time key that is given away at once, and counts as published.
    pub fn reserve(&mut self, random: &mut dyn Random) -> Result<(u64, x25519::PublicKey), Error> {
        self.generate_more(1, random)?;
        let made = self.keys.last_mut().ok_or(Error::CorruptState)?;
        made.published = true;
        Ok((made.id, *made.key.public()))
    }

    /// Number and public half of the fallback key, published or not.
    #[must_use]
    pub fn current_fallback(&self) -> Option<(u64, x25519::PublicKey)> {
        self.fallback.newest_first().next().map(|kept| (kept.id, *kept.key.public()))
    }

    /// Makes a fallback key; the current one becomes the previous, and the previous goes.
    pub fn generate_fallback(&mut self, random: &mut dyn Random) -> Result<(), Error> {
        self.fallback.renew(OneTimeKey::random(&mut self.next_id, random)?);
        Ok(())
    }

    /// Forgets the previous fallback key; false if there is none.
    pub fn forget_fallback(&mut self) -> bool {
        self.fallback.forget_previous()
    }

    /// Number and public half of the one-time keys that wait to be published.
    pub fn unpublished(&self) -> impl Iterator<Item = (u64, &x25519::PublicKey)> {
        self.keys.iter().filter_map(OneTimeKey::unpublished)
    }

    /// Number and public half of the fallback key, if it waits to be published.
    #[must_use]
    pub fn unpublished_fallback(&self) -> Option<(u64, &x25519::PublicKey)> {
        self.fallback.newest_first().next().and_then(OneTimeKey::unpublished)
    }

    /// Destroys all one-time keys, and replaces the fallback key: any of them may have been given
    /// away in a past that the store has forgotten. That past has hardly given the numbers that
    /// follow to other keys: 65,536 are passed over. An error has changed nothing.
    pub fn renew(&mut self, random: &mut dyn Random) -> Result<(), Error> {
        let mut next_id = self.next_id.checked_add(PASSED_OVER).ok_or(Error::Exhausted)?;
        let fallback = match self.fallback {
            Fallback::None => None,
            _ => Some(OneTimeKey::random(&mut next_id, random)?),
        };
        self.keys.clear();
        self.next_id = next_id;
        if let Some(current) = fallback {
            self.fallback.renew(current);
        }
        Ok(())
    }

    /// Says that the server has all keys that waited; their private halves stay.
    pub fn mark_as_published(&mut self) {
        for key in &mut self.keys {
            key.published = true;
        }
        self.fallback.mark_as_published();
    }

    /// How many one-time keys are kept, published or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no one-time key is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key pair with this public half, of either kind.
    #[must_use]
    pub fn find(&self, public: &x25519::PublicKey) -> Option<&x25519::PrivateKey> {
        let mut all = self.keys.iter().chain(self.fallback.newest_first());
        all.find(|kept| kept.key.public() == public).map(|kept| &kept.key)
    }

    /// Forgets the one-time key with this public half; a fallback key stays.
    pub fn consume(&mut self, public: &x25519::PublicKey) {
        self.keys.retain(|kept| kept.key.public() != public);
    }

    /// Refuses the keys of a session that was accepted under a fallback key: [`Error::Duplicate`].
    pub(crate) fn check(&self, keys: &SessionKeys) -> Result<(), Error> {
        if self.fallback.has_accepted(&keys.one_time_key, &keys.base_key) {
            return Err(Error::Duplicate);
        }
        Ok(())
    }

    /// A session with these keys was accepted: a one-time key goes, a fallback key remembers it.
    pub(crate) fn accepted(&mut self, keys: &SessionKeys) {
        self.consume(&keys.one_time_key);
        self.fallback.accepted(&keys.one_time_key, &keys.base_key);
    }

    /// Appends the stored form (docs/formats.md, "Olm account").
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.next_id.to_be_bytes());
        write_length(out, self.keys.len());
        self.keys.iter().for_each(|key| key.encode(out));
        self.fallback.encode(out);
    }

    /// Bytes that [`OneTimeKeys::encode`] appends at the most.
    #[must_use]
    pub fn encoded_capacity(&self) -> usize {
        let keys = self.keys.len().saturating_mul(KEY_LEN);
        keys.saturating_add(self.fallback.encoded_len()).saturating_add(16)
    }

    /// Reads the stored form; the numbers of one-time keys must ascend, all below the next one.
    pub fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        Self::decode_with(reader, Memory::Stored)
    }

    /// The same of a form with or without what was accepted under fallback keys.
    pub(crate) fn decode_with(
        reader: &mut RecordReader<'_>,
        memory: Memory,
    ) -> Result<Self, Error> {
        let next_id = reader.u64()?;
        let count = reader.length(MAX_ONE_TIME_KEYS)?;
        let mut keys = Vec::with_capacity(MAX_ONE_TIME_KEYS);
        let mut lowest = 0;
        for _ in 0..count {
            let key = OneTimeKey::decode(reader, lowest, next_id)?;
            lowest = key.id.saturating_add(1);
            keys.push(key);
        }
        let fallback = Fallback::decode(reader, next_id, memory)?;
        Ok(Self { keys, fallback, next_id })
    }
}

impl OneTimeKey {
    /// A fresh key with the next number, which moves on.
    fn random(next_id: &mut u64, random: &mut dyn Random) -> Result<Self, Error> {
        let following = next_id.checked_add(1).ok_or(Error::Exhausted)?;
        let key = x25519::PrivateKey::random(random)?;
        Ok(Self { id: core::mem::replace(next_id, following), key, published: false })
    }

    fn unpublished(&self) -> Option<(u64, &x25519::PublicKey)> {
        (!self.published).then(|| (self.id, self.key.public()))
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.to_be_bytes());
        out.push(u8::from(self.published));
        out.extend_from_slice(self.key.expose());
        out.extend_from_slice(self.key.public().as_bytes());
    }

    pub(crate) fn decode(
        reader: &mut RecordReader<'_>,
        lowest: u64,
        next_id: u64,
    ) -> Result<Self, Error> {
        let id = reader.u64()?;
        if id < lowest || id >= next_id {
            return Err(Error::CorruptState);
        }
        let published = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(Error::CorruptState),
        };
        let secret = Secret::new(*reader.array()?);
        let public = x25519::PublicKey::new(*reader.array()?);
        Ok(Self { id, key: x25519::PrivateKey::from_parts(secret, public), published })
    }
}

/// Numbers that are passed over when keys are renewed.
const PASSED_OVER: u64 = 1 << 16;
/// Number, whether it is published, secret and public half.
pub(crate) const KEY_LEN: usize = 73;

#[cfg(test)]
mod tests;
