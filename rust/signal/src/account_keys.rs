// SPDX-License-Identifier: MIT OR Apache-2.0
//! The keys that a client derives from its account's entropy pool, and the hash of a PIN
//! (signal.md §14.1).
//!
//! They protect what an account keeps at services: they are no keys of messages.

use e2ee_primitives::{
    Random, Secret, SecretBytes,
    argon2id::{self, Cost},
    hkdf,
    hmac::HmacKey,
    x25519, xeddsa,
};
use e2ee_state::{Failure, Sealer, StoreError};
use e2ee_wire::Error;

/// Characters of an entropy pool.
pub const POOL_LEN: usize = 64;
/// The name of the record in which a pool is kept.
pub const RECORD_NAME: &str = "account keys";
const FORMAT_VERSION: u8 = 1;
/// Written once: a pool never changes.
const REVISION: u64 = 1;
const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// 16 MiB, 32 passes, one lane.
const PIN_COST: Cost = Cost { memory_kib: 16 * 1_024, passes: 32, lanes: 1 };

/// An entropy pool, from which all follows.
#[derive(Debug)]
pub struct AccountKeys {
    pool: Secret<POOL_LEN>,
}

impl AccountKeys {
    /// A fresh pool: 64 characters, each of 36 as likely as any other.
    pub fn generate(random: &mut dyn Random) -> Result<Self, Error> {
        let mut pool = Vec::with_capacity(POOL_LEN);
        while pool.len() < POOL_LEN {
            let drawn: Secret<POOL_LEN> = Secret::random(random)?;
            // 252 is the last multiple of 36: bytes from there on would favour some characters.
            let usable = drawn.expose().iter().filter(|byte| **byte < 252);
            let characters = usable.filter_map(|byte| ALPHABET.get(usize::from(*byte % 36)));
            pool.extend(characters.take(POOL_LEN.saturating_sub(pool.len())));
        }
        Self::from_pool(SecretBytes::new(pool).expose())
    }

    /// The keys of a pool; [`Error::InvalidArgument`] unless it is 64 characters of `0-9a-z`.
    pub fn from_pool(pool: &[u8]) -> Result<Self, Error> {
        let allowed = pool.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
        let pool = Secret::from_slice(pool).filter(|_| allowed).ok_or(Error::InvalidArgument)?;
        Ok(Self { pool })
    }

    /// Seals the pool for the caller to keep.
    pub fn seal(&self, sealer: &Sealer, random: &mut dyn Random) -> Result<Vec<u8>, Failure> {
        let mut record = Vec::with_capacity(POOL_LEN.saturating_add(1));
        record.push(FORMAT_VERSION);
        record.extend_from_slice(self.pool.expose());
        sealer.seal(RECORD_NAME, REVISION, SecretBytes::new(record).expose(), random)
    }

    /// Opens what `seal` gave.
    pub fn open(sealer: &Sealer, record: &[u8]) -> Result<Self, Failure> {
        let opened = sealer.open(RECORD_NAME, REVISION, record)?;
        match opened.expose().split_first() {
            Some((&FORMAT_VERSION, pool)) => {
                Self::from_pool(pool).map_err(|_| StoreError::Corruption.into())
            }
            _ => Err(StoreError::Corruption.into()),
        }
    }

    /// The 64 characters, for the owner to write down.
    #[must_use]
    pub const fn pool(&self) -> &Secret<POOL_LEN> {
        &self.pool
    }

    /// The "master" key, which secure value recovery keeps under a PIN.
    #[must_use]
    pub fn svr_key(&self) -> Secret<32> {
        self.derive(b"20240801_SIGNAL_SVR_MASTER_KEY")
    }

    /// What proves to the service that a number may be registered again.
    #[must_use]
    pub fn registration_lock(&self) -> Secret<32> {
        self.of_svr_key(b"Registration Lock")
    }

    /// What registers again without a code by SMS.
    #[must_use]
    pub fn registration_recovery_password(&self) -> Secret<32> {
        self.of_svr_key(b"Registration Recovery")
    }

    /// The key of the storage service.
    #[must_use]
    pub fn storage_service_key(&self) -> Secret<32> {
        self.of_svr_key(b"Storage Service Encryption")
    }

    /// The key of log files.
    #[must_use]
    pub fn logging_key(&self) -> Secret<32> {
        self.of_svr_key(b"Logging Key")
    }

    /// The key from which those of backups follow.
    #[must_use]
    pub fn backup(&self) -> BackupKey {
        BackupKey(self.derive(b"20240801_SIGNAL_BACKUP_KEY"))
    }

    fn derive(&self, info: &[u8]) -> Secret<32> {
        hkdf::derive(&[], &[self.pool.expose()], &[info])
    }

    fn of_svr_key(&self, label: &[u8]) -> Secret<32> {
        HmacKey::new(self.svr_key().expose()).derive(&[label])
    }
}

/// The key of an account's backups.
#[derive(Debug)]
pub struct BackupKey(Secret<32>);

impl BackupKey {
    /// The key itself.
    #[must_use]
    pub const fn key(&self) -> &Secret<32> {
        &self.0
    }

    /// Under which id the service keeps the backups of the account `aci`.
    #[must_use]
    pub fn id(&self, aci: &[u8; 16]) -> Secret<16> {
        self.derive(&[b"20241024_SIGNAL_BACKUP_ID:", aci])
    }

    /// The key pair with which the owner of a backup id shows that it is theirs.
    #[must_use]
    pub fn signing_key(&self, aci: &[u8; 16]) -> x25519::PrivateKey {
        let secret: Secret<32> = self.derive(&[b"20241024_SIGNAL_BACKUP_ID_KEYPAIR:", aci]);
        x25519::PrivateKey::from_bytes(secret.expose())
    }

    /// Signs with [`BackupKey::signing_key`].
    pub fn sign(
        &self,
        aci: &[u8; 16],
        message: &[u8],
        random: &mut dyn Random,
    ) -> Result<[u8; 64], Error> {
        xeddsa::sign(&self.signing_key(aci), &[message], random)
    }

    /// The key of the metadata of a backup on the device.
    #[must_use]
    pub fn local_metadata_key(&self) -> Secret<32> {
        self.derive(&[b"20241011_SIGNAL_LOCAL_BACKUP_METADATA_KEY"])
    }

    /// Under which id the service keeps the media file `name`.
    #[must_use]
    pub fn media_id(&self, name: &[u8]) -> Secret<15> {
        self.derive(&[b"20241007_SIGNAL_BACKUP_MEDIA_ID:", name])
    }

    /// The key of a media file, AES ‖ HMAC.
    #[must_use]
    pub fn media_key(&self, media_id: &[u8; 15]) -> Secret<64> {
        self.derive(&[b"20241007_SIGNAL_BACKUP_ENCRYPT_MEDIA:", media_id])
    }

    /// The key of its thumbnail, AES ‖ HMAC.
    #[must_use]
    pub fn thumbnail_key(&self, media_id: &[u8; 15]) -> Secret<64> {
        self.derive(&[b"20241030_SIGNAL_BACKUP_ENCRYPT_THUMBNAIL:", media_id])
    }

    fn derive<const N: usize>(&self, info: &[&[u8]]) -> Secret<N> {
        hkdf::derive(&[], &[self.0.expose()], info)
    }
}

/// The encryption key and the access key of a PIN: Argon2id with 16 MiB and 32 passes.
///
/// `salt` is what the service gave for this account.
pub fn pin_hash(pin: &[u8], salt: &[u8; 32]) -> Result<(Secret<32>, Secret<32>), Error> {
    argon2id::derive::<64>(pin, salt, PIN_COST).map(Secret::<64>::split)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Random for Fixed {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
            for byte in out {
                self.0 = self.0.wrapping_add(1);
                *byte = self.0;
            }
            Ok(())
        }
    }

    #[test]
    fn a_pool_is_64_characters_of_its_alphabet() {
        let keys = AccountKeys::generate(&mut Fixed(220)).unwrap();

        assert!(keys.pool().expose().iter().all(|byte| ALPHABET.contains(byte)));
        for length in [63, 65] {
            assert!(AccountKeys::from_pool(&vec![b'a'; length]).is_err());
        }
        for bad in [b'A', b'-', b' ', 0, 0x80] {
            let mut pool = [b'a'; 64];
            pool[63] = bad;
            assert_eq!(Err(Error::InvalidArgument), AccountKeys::from_pool(&pool).map(|_| ()));
        }
    }

    #[test]
    fn bytes_that_would_favour_a_character_are_left_out() {
        // 221 to 251 are used, 252 to 255 are not: then 0 follows 251.
        let keys = AccountKeys::generate(&mut Fixed(220)).unwrap();

        assert_eq!(ALPHABET[251 % 36], keys.pool().expose()[30]);
        assert_eq!(b'0', keys.pool().expose()[31]);
    }

    #[test]
    fn a_sealed_pool_opens_with_its_key_only() {
        let keys = AccountKeys::generate(&mut Fixed(0)).unwrap();
        let sealer = Sealer::standalone(Secret::new([1; 32]));
        let record = keys.seal(&sealer, &mut Fixed(0)).unwrap();

        let opened = AccountKeys::open(&sealer, &record).unwrap();
        assert!(opened.pool().ct_eq(keys.pool()));
        let other = Sealer::standalone(Secret::new([2; 32]));
        assert!(AccountKeys::open(&other, &record).is_err());
        let device = sealer.seal("device", 1, b"1", &mut Fixed(0)).unwrap();
        assert!(AccountKeys::open(&sealer, &device).is_err());
    }
}
