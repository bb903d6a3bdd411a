// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sealing records for a store that nobody needs to trust (docs/formats.md, "Sealed records").
//!
//! AES-256-GCM-SIV (RFC 8452) under a key of the record's own, with a random nonce; format, store,
//! record name and revision are authenticated with it, so a row is worth nothing in the place of
//! another.

use e2ee_primitives::{
    Secret, aead,
    hkdf::{self, PseudorandomKey},
    hmac::HmacKey,
    random::Random,
    secret::SecretBytes,
};

use crate::{Failure, StoreError};

/// The format of a sealed record.
pub const FORMAT_VERSION: u8 = 1;
/// Bytes that identify a store.
pub const STORE_ID_LEN: usize = 16;
/// Bytes that sealing adds: format version, nonce and tag.
pub const OVERHEAD: usize = 1 + NONCE_LEN + 16;
const NONCE_LEN: usize = 12;

/// Seals and opens the records of one store.
#[derive(Debug)]
pub struct Sealer {
    store_id: [u8; STORE_ID_LEN],
    key: Secret<32>,
    /// What the keys of records and of hashes are expanded from.
    extracted: PseudorandomKey,
}

impl Sealer {
    /// The sealer of the store with this id, under its key.
    #[must_use]
    pub fn new(store_id: [u8; STORE_ID_LEN], key: Secret<32>) -> Self {
        let extracted = PseudorandomKey::extract(&store_id, &[key.expose()]);
        Self { store_id, key, extracted }
    }

    /// The sealer of a session that belongs to no store: its id is derived from the key.
    #[must_use]
    pub fn standalone(key: Secret<32>) -> Self {
        let id: Secret<STORE_ID_LEN> =
            hkdf::derive(&[], &[key.expose()], &[b"e2ee standalone store id"]);
        Self::new(*id.expose(), key)
    }

    /// The sealer of the record `name` alone.
    #[must_use]
    pub fn record(&self, name: &str) -> RecordSealer {
        let info: [&[u8]; 2] = [b"e2ee store record key:", name.as_bytes()];
        RecordSealer {
            key: aead::Key::new(&self.extracted.expand(&info)),
            store_id: self.store_id,
            name: name.to_owned(),
        }
    }

    /// Seals `plaintext` as `revision` of the record `name`.
    pub fn seal(
        &self,
        name: &str,
        revision: u64,
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, Failure> {
        self.record(name).seal(revision, plaintext, random)
    }

    /// Opens `revision` of the record `name`.
    ///
    /// [`StoreError::Corruption`] if the bytes are anything but what was sealed as just that.
    pub fn open(
        &self,
        name: &str,
        revision: u64,
        sealed: &[u8],
    ) -> Result<SecretBytes, StoreError> {
        self.record(name).open(revision, sealed)
    }

    /// The bytes of a key for keyed hashes over names, apart from every record's key.
    #[must_use]
    pub fn hash_secret(&self, purpose: &str) -> Secret<32> {
        let info: [&[u8]; 2] = [b"e2ee store hash key:", purpose.as_bytes()];
        self.extracted.expand(&info)
    }

    /// A key for keyed hashes over names.
    #[must_use]
    pub fn hash_key(&self, purpose: &str) -> HmacKey {
        HmacKey::new(self.hash_secret(purpose).expose())
    }

    /// What identifies the store.
    #[must_use]
    pub const fn store_id(&self) -> &[u8; STORE_ID_LEN] {
        &self.store_id
    }

    /// Whether the other one seals under the same key.
    #[must_use]
    pub fn has_key_of(&self, other: &Self) -> bool {
        self.key.ct_eq(&other.key)
    }
}

/// Seals and opens the revisions of one record.
#[derive(Debug)]
pub struct RecordSealer {
    key: aead::Key,
    store_id: [u8; STORE_ID_LEN],
    name: String,
}

impl RecordSealer {
    /// Seals `plaintext` as `revision`.
    pub fn seal(
        &self,
        revision: u64,
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, Failure> {
        let write = |out: &mut Vec<u8>| out.extend_from_slice(plaintext);
        self.seal_written(revision, (plaintext.len(), write), random)
    }

    /// Seals what `write` appends, at most so many bytes, as `revision`: where it is written, so
    /// that no copy of it needs to be wiped.
    pub fn seal_written(
        &self,
        revision: u64,
        (most, write): (usize, impl FnOnce(&mut Vec<u8>)),
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, Failure> {
        let nonce = random.nonce()?;
        let mut sealed = Vec::with_capacity(most.saturating_add(OVERHEAD));
        sealed.push(FORMAT_VERSION);
        sealed.extend_from_slice(&nonce);
        let start = sealed.len();
        write(&mut sealed);
        debug_assert!(sealed.len() <= start.saturating_add(most), "a record was longer than said");
        self.bound(revision, |bound| self.key.seal_in_place(&nonce, bound, start, &mut sealed));
        Ok(sealed)
    }

    /// Opens `revision`.
    ///
    /// [`StoreError::Corruption`] if the bytes are anything but what was sealed as just that.
    pub fn open(&self, revision: u64, sealed: &[u8]) -> Result<SecretBytes, StoreError> {
        let Some((&FORMAT_VERSION, rest)) = sealed.split_first() else {
            return Err(StoreError::Corruption);
        };
        let (nonce, body) = rest.split_first_chunk().ok_or(StoreError::Corruption)?;
        let opened = self.bound(revision, |bound| self.key.open(nonce, bound, body));
        opened.map_err(|_| StoreError::Corruption)
    }

    /// The record's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives what the record is bound to; of a name of usual length, without memory of its own.
    fn bound<T>(&self, revision: u64, work: impl FnOnce(&[u8]) -> T) -> T {
        let revision = revision.to_be_bytes();
        let parts = [&[FORMAT_VERSION][..], &self.store_id, &revision, self.name.as_bytes()];
        let mut usual = [0; USUAL_BOUND];
        let mut rest = &mut usual[..];
        for part in parts {
            let Some((place, behind)) = rest.split_at_mut_checked(part.len()) else {
                return work(&parts.concat());
            };
            place.copy_from_slice(part);
            rest = behind;
        }
        let left = rest.len();
        work(usual.get(..USUAL_BOUND.saturating_sub(left)).unwrap_or_default())
    }
}

/// Bytes that are enough for what the records of sessions and groups are bound to.
const USUAL_BOUND: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(u8);

    impl Random for Counting {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), e2ee_wire::Error> {
            self.0 = self.0.wrapping_add(1);
            out.fill(self.0);
            Ok(())
        }
    }

    /// Around the length at which what a record is bound to needs memory of its own.
    #[test]
    fn names_of_every_length_bind_the_whole_of_them() {
        let store = Sealer::new([1; STORE_ID_LEN], Secret::new([2; 32]));
        for len in 0..=2 * USUAL_BOUND {
            let record = store.record(&"n".repeat(len));
            let sealed = record.seal(7, b"plaintext", &mut Counting(0)).unwrap();

            let bound = [&[FORMAT_VERSION][..], &[1; 16], &7_u64.to_be_bytes(), &vec![b'n'; len]];
            let mut expected = [&[FORMAT_VERSION][..], &[1; NONCE_LEN]].concat();
            record.key.seal_into(&[1; NONCE_LEN], &bound.concat(), b"plaintext", &mut expected);

            assert_eq!(expected, sealed, "{len}");
            assert_eq!(b"plaintext", record.open(7, &sealed).unwrap().expose());
            assert!(record.open(8, &sealed).is_err());
        }
    }

    #[test]
    fn what_is_written_in_place_seals_as_a_copy_of_it() {
        let record = Sealer::new([1; STORE_ID_LEN], Secret::new([2; 32])).record("name");
        let write = |out: &mut Vec<u8>| out.extend_from_slice(b"plaintext");

        let written = record.seal_written(7, (50, write), &mut Counting(0)).unwrap();

        assert_eq!(record.seal(7, b"plaintext", &mut Counting(0)).unwrap(), written);
    }
}
