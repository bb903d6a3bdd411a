// SPDX-License-Identifier: MIT OR Apache-2.0
//! The key of a store, and the record that tells a wrong key from a damaged store
//! (docs/formats.md, "Store record").
//!
//! ```text
//! version 1 | store id 16 | source 1 [| memory KiB 4 | passes 4 | lanes 4 | salt 16] | check 32 | checksum 8
//! ```

use e2ee_primitives::{
    Secret, argon2id, argon2id::Cost, hkdf, random::Random, secret::SecretBytes, sha,
};
use e2ee_wire::{Error, record::RecordReader};

use crate::{Failure, Sealer, StoreError, seal::STORE_ID_LEN};

const FORMAT_VERSION: u8 = 1;
const SOURCE_RAW: u8 = 0;
const SOURCE_PASSPHRASE: u8 = 1;
const CHECK_LABEL: &[u8] = b"e2ee store key check";
const CHECKSUM_LEN: usize = 8;
/// What the application protects its store with.
#[derive(Debug)]
pub enum StoreSecret {
    /// 32 uniformly random bytes.
    Key(Secret<32>),
    /// A passphrase, stretched with Argon2id.
    Passphrase(SecretBytes),
}

impl StoreSecret {
    /// The sealer of a new store, and the store record to save under [`RECORD_NAME`].
    pub fn create(&self, random: &mut dyn Random) -> Result<(Sealer, Vec<u8>), Failure> {
        let mut store_id = [0; STORE_ID_LEN];
        random.fill(&mut store_id)?;
        self.protect(store_id, random)
    }

    /// The sealer of `sealer`'s store under this secret instead, and the store record that says so.
    ///
    /// [`Error::InvalidArgument`] if it comes to the key that the store has.
    pub fn replace(
        &self,
        sealer: &Sealer,
        random: &mut dyn Random,
    ) -> Result<(Sealer, Vec<u8>), Failure> {
        let (next, record) = self.protect(*sealer.store_id(), random)?;
        if next.has_key_of(sealer) {
            return Err(Error::InvalidArgument.into());
        }
        Ok((next, record))
    }

    fn protect(
        &self,
        store_id: [u8; STORE_ID_LEN],
        random: &mut dyn Random,
    ) -> Result<(Sealer, Vec<u8>), Failure> {
        let mut record = vec![FORMAT_VERSION];
        record.extend_from_slice(&store_id);
        let key = match self {
            Self::Key(key) => {
                record.push(SOURCE_RAW);
                key.duplicate()
            }
            Self::Passphrase(passphrase) => {
                let mut salt = [0; 16];
                random.fill(&mut salt)?;
                record.push(SOURCE_PASSPHRASE);
                record.extend_from_slice(&Cost::DEFAULT.encode());
                record.extend_from_slice(&salt);
                argon2id::derive(passphrase.expose(), &salt, Cost::DEFAULT)?
            }
        };
        let check: Secret<32> = hkdf::derive(&[], &[key.expose()], &[CHECK_LABEL, &record]);
        record.extend_from_slice(check.expose());
        let checksum = sha::sha256(&[&record]);
        record.extend(checksum.iter().take(CHECKSUM_LEN));
        Ok((Sealer::new(store_id, key), record))
    }

    /// The sealer of an existing store, from its store record.
    ///
    /// [`StoreError::Corruption`] if the record is damaged, [`StoreError::WrongKey`] if it is
    /// whole and this secret is not its own.
    pub fn open(&self, record: &[u8]) -> Result<Sealer, StoreError> {
        let damaged = |_| StoreError::Corruption;
        let body = whole(record)?;
        let (described, check) = body.split_last_chunk::<32>().ok_or(StoreError::Corruption)?;
        let mut reader = RecordReader::new(described);
        if reader.u8().map_err(damaged)? != FORMAT_VERSION {
            return Err(StoreError::Corruption);
        }
        let store_id = *reader.array().map_err(damaged)?;
        let key = self.key(&mut reader)?;
        reader.finish().map_err(damaged)?;
        let expected: Secret<32> = hkdf::derive(&[], &[key.expose()], &[CHECK_LABEL, described]);
        if !expected.ct_eq(&Secret::new(*check)) {
            return Err(StoreError::WrongKey);
        }
        Ok(Sealer::new(store_id, key))
    }

    fn key(&self, reader: &mut RecordReader<'_>) -> Result<Secret<32>, StoreError> {
        let damaged = |_| StoreError::Corruption;
        match (self, reader.u8().map_err(damaged)?) {
            (Self::Key(key), SOURCE_RAW) => Ok(key.duplicate()),
            (Self::Passphrase(passphrase), SOURCE_PASSPHRASE) => {
                let cost = reader.array().map_err(damaged)?;
                let cost = Cost::decode(cost).ok_or(StoreError::Corruption)?;
                let salt = reader.array::<16>().map_err(damaged)?;
                argon2id::derive(passphrase.expose(), salt, cost).map_err(damaged)
            }
            (_, SOURCE_RAW | SOURCE_PASSPHRASE) => Err(StoreError::WrongKey),
            _ => Err(StoreError::Corruption),
        }
    }
}

/// What stands before the checksum of a store record.
///
/// [`StoreError::Corruption`] if the record is not as it was written.
pub fn whole(record: &[u8]) -> Result<&[u8], StoreError> {
    let body_len = record.len().checked_sub(CHECKSUM_LEN).ok_or(StoreError::Corruption)?;
    let (body, checksum) = record.split_at_checked(body_len).ok_or(StoreError::Corruption)?;
    if sha::sha256(&[body]).starts_with(checksum) { Ok(body) } else { Err(StoreError::Corruption) }
}

/// The name under which a store keeps its store record, which is not sealed.
pub const RECORD_NAME: &str = "store";

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts, so that no two draws are alike.
    struct Counting(u8);

    impl Random for Counting {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
            self.0 += 1;
            out.fill(self.0);
            Ok(())
        }
    }

    fn secret(byte: u8) -> StoreSecret {
        StoreSecret::Key(Secret::new([byte; 32]))
    }

    #[test]
    fn another_secret_opens_the_same_store_and_the_one_before_does_not() {
        let random = &mut Counting(0);
        let (before, _) = secret(1).create(random).unwrap();

        let (after, record) = secret(2).replace(&before, random).unwrap();

        assert_eq!(before.store_id(), after.store_id());
        assert!(secret(2).open(&record).unwrap().has_key_of(&after));
        assert_eq!(Some(StoreError::WrongKey), secret(1).open(&record).err());
        let sealed = before.seal("name", 1, b"text", random).unwrap();
        assert_eq!(Some(StoreError::Corruption), after.open("name", 1, &sealed).err());
    }

    #[test]
    fn the_key_that_a_store_has_is_no_other_key() {
        let random = &mut Counting(0);
        let (before, _) = secret(1).create(random).unwrap();

        let same = secret(1).replace(&before, random);

        assert_eq!(Some(Failure::Protocol(Error::InvalidArgument)), same.err());
    }
}
