// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the keys of a client are kept between two runs: on the device as a sealed record, and at the
//! server as a secret of a secret storage (olm_megolm.md §6; docs/formats.md, "Matrix keys").
//!
//! Private bytes leave a key in these two ways only.

use e2ee_primitives::{Random, Secret, SecretBytes, base64};
use e2ee_state::{Failure, Sealer, StoreError};
use e2ee_wire::Error;

use crate::{
    pk::PkDecryption,
    secret_storage::{SealedSecret, StorageKey},
    signing::SigningKey,
};

const FORMAT_VERSION: u8 = 1;
/// Written once: a key never changes.
const REVISION: u64 = 1;

/// A key of 32 bytes that can be kept.
pub trait Kept: Sized {
    /// The name of its record, so that none is taken for one of another kind.
    const RECORD_NAME: &'static str;

    /// The key of these bytes.
    fn from_secret(bytes: Secret<32>) -> Self;

    /// Its bytes.
    fn secret(&self) -> &[u8; 32];

    /// Seals the key for the caller to keep.
    fn seal_record(&self, sealer: &Sealer, random: &mut dyn Random) -> Result<Vec<u8>, Failure> {
        let mut record = Vec::with_capacity(33);
        record.push(FORMAT_VERSION);
        record.extend_from_slice(self.secret());
        sealer.seal(Self::RECORD_NAME, REVISION, SecretBytes::new(record).expose(), random)
    }

    /// Opens what [`Kept::seal_record`] gave.
    fn open_record(sealer: &Sealer, record: &[u8]) -> Result<Self, Failure> {
        let opened = sealer.open(Self::RECORD_NAME, REVISION, record)?;
        match opened.expose().split_first() {
            Some((&FORMAT_VERSION, key)) => {
                Ok(Self::from_secret(Secret::from_slice(key).ok_or(StoreError::Corruption)?))
            }
            _ => Err(StoreError::Corruption.into()),
        }
    }

    /// Seals the key as the secret `name` of a storage: its own text, base64.
    fn store(
        &self,
        storage: &StorageKey,
        name: &str,
        random: &mut dyn Random,
    ) -> Result<SealedSecret, Error> {
        let text = SecretBytes::new(base64::encode(self.secret()).into_bytes());
        storage.seal(name, text.expose(), random)
    }

    /// The key that is the secret `name` of a storage.
    ///
    /// [`Error::Forged`] if it does not open, [`Error::Malformed`] if what opens is no text of 32
    /// bytes. Whether it is the right one, its public half has to show: see `secret_storage`.
    fn restore(storage: &StorageKey, name: &str, sealed: &SealedSecret) -> Result<Self, Error> {
        let text = storage.open(name, sealed)?;
        let text = core::str::from_utf8(text.expose()).map_err(|_| Error::Malformed)?;
        let bytes = base64::decode(text)?;
        Ok(Self::from_secret(Secret::from_slice(bytes.expose()).ok_or(Error::Malformed)?))
    }
}

impl Kept for SigningKey {
    const RECORD_NAME: &'static str = "matrix signing key";

    fn from_secret(bytes: Secret<32>) -> Self {
        Self::from_seed(bytes)
    }

    fn secret(&self) -> &[u8; 32] {
        self.expose()
    }
}

impl Kept for PkDecryption {
    const RECORD_NAME: &'static str = "matrix backup key";

    fn from_secret(bytes: Secret<32>) -> Self {
        Self::from_bytes(&bytes)
    }

    fn secret(&self) -> &[u8; 32] {
        self.expose()
    }
}

impl Kept for StorageKey {
    const RECORD_NAME: &'static str = "matrix storage key";

    fn from_secret(bytes: Secret<32>) -> Self {
        Self::from_bytes(bytes)
    }

    fn secret(&self) -> &[u8; 32] {
        self.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Random for Fixed {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
            out.fill(self.0);
            Ok(())
        }
    }

    fn sealer(byte: u8) -> Sealer {
        Sealer::standalone(Secret::new([byte; 32]))
    }

    fn storage() -> StorageKey {
        StorageKey::generate(&mut Fixed(1)).unwrap()
    }

    #[test]
    fn a_record_opens_with_its_key_as_its_kind_only() {
        let key = SigningKey::generate(&mut Fixed(7)).unwrap();
        let record = key.seal_record(&sealer(1), &mut Fixed(9)).unwrap();

        assert_eq!(key.secret(), SigningKey::open_record(&sealer(1), &record).unwrap().secret());
        let corrupt = Failure::Store(StoreError::Corruption);
        assert_eq!(Err(corrupt), SigningKey::open_record(&sealer(2), &record).map(|_| ()));
        assert_eq!(Err(corrupt), PkDecryption::open_record(&sealer(1), &record).map(|_| ()));
        assert_eq!(Err(corrupt), StorageKey::open_record(&sealer(1), &record).map(|_| ()));
        assert_eq!(Err(corrupt), SigningKey::open_record(&sealer(1), &record[1..]).map(|_| ()));
    }

    #[test]
    fn a_key_in_a_storage_comes_back_under_its_name() {
        let key = PkDecryption::generate(&mut Fixed(7)).unwrap();
        let sealed = key.store(&storage(), "m.megolm_backup.v1", &mut Fixed(9)).unwrap();

        let restored = PkDecryption::restore(&storage(), "m.megolm_backup.v1", &sealed).unwrap();
        assert_eq!(key.public_key(), restored.public_key());
        let other = PkDecryption::restore(&storage(), "m.other", &sealed).map(|_| ());
        assert_eq!(Err(Error::Forged), other);
    }

    #[test]
    fn a_secret_that_is_no_key_is_malformed() {
        for text in ["", "AAAA", &"A".repeat(44), "\u{1f511}"] {
            let sealed = storage().seal("name", text.as_bytes(), &mut Fixed(9)).unwrap();
            let verdict = SigningKey::restore(&storage(), "name", &sealed).map(|_| ());
            assert_eq!(Err(Error::Malformed), verdict, "{text}");
        }
    }
}
