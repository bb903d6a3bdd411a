// SPDX-License-Identifier: MIT OR Apache-2.0
//! The key of a chat, and the keys of its messages (mtproto_secret_chats.md §1 and §2).

use e2ee_primitives::{Secret, sha};
use e2ee_wire::{Error, record::RecordReader};

use crate::role::Role;

/// Bytes of a chat's key.
pub const KEY_LEN: usize = 256;
/// Bytes of a message key.
pub const MESSAGE_KEY_LEN: usize = 16;

/// What both ends of a chat agree on: 256 bytes, big-endian, and the fingerprint by which messages
/// name it.
#[derive(Debug)]
pub struct ChatKey {
    key: Secret<KEY_LEN>,
    fingerprint: i64,
}

impl ChatKey {
    /// A key of these bytes.
    ///
    /// The fingerprint is the last 8 bytes of SHA-1 of the key, a signed integer, little-endian
    /// (§1).
    #[must_use]
    pub fn new(key: Secret<KEY_LEN>) -> Self {
        let fingerprint =
            i64::from_le_bytes(*Secret::new(sha::sha1(&[key.expose()])).part::<12, 8>().expose());
        Self { key, fingerprint }
    }

    /// The fingerprint, which is public.
    #[must_use]
    pub const fn fingerprint(&self) -> i64 {
        self.fingerprint
    }

    /// A second copy, for when one key stands in two states of a chat (§6).
    #[must_use]
    pub const fn duplicate(&self) -> Self {
        Self { key: self.key.duplicate(), fingerprint: self.fingerprint }
    }

    /// The only way to the bytes; call it in the expression that needs them.
    #[must_use]
    pub const fn expose(&self) -> &[u8; KEY_LEN] {
        self.key.expose()
    }

    /// Appends the key's bytes, [`KEY_LEN`] of them.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.key.expose());
    }

    /// Reads what [`ChatKey::encode`] wrote.
    pub fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        Ok(Self::new(Secret::new(*reader.array()?)))
    }

    /// The message key of `padded`, the plaintext with its length and its padding, that `sender`
    /// sends: bytes 8 to 24 of SHA-256 of 32 bytes of the key and all of it (§2).
    #[must_use]
    pub fn message_key(&self, sender: Role, padded: &[u8]) -> [u8; MESSAGE_KEY_LEN] {
        match sender {
            Role::Originator => self.message_key_at::<88>(padded),
            Role::Responder => self.message_key_at::<96>(padded),
        }
    }

    /// Key and IV of AES-256-IGE under a message key, 32 bytes each (§2).
    #[must_use]
    pub fn cipher_keys(
        &self,
        sender: Role,
        message_key: &[u8; MESSAGE_KEY_LEN],
    ) -> (Secret<32>, Secret<32>) {
        match sender {
            Role::Originator => self.cipher_keys_at::<0, 40>(message_key),
            Role::Responder => self.cipher_keys_at::<8, 48>(message_key),
        }
    }

    /// The message key under the 32 bytes of the key from `PLACE` on.
    pub(crate) fn message_key_at<const PLACE: usize>(&self, bytes: &[u8]) -> [u8; MESSAGE_KEY_LEN] {
        let digest = Secret::new(sha::sha256(&[self.key.part::<PLACE, 32>().expose(), bytes]));
        *digest.part::<8, MESSAGE_KEY_LEN>().expose()
    }

    /// Key and IV from the 36 bytes of the key from `FIRST` on, and as many from `SECOND` on.
    pub(crate) fn cipher_keys_at<const FIRST: usize, const SECOND: usize>(
        &self,
        message_key: &[u8; MESSAGE_KEY_LEN],
    ) -> (Secret<32>, Secret<32>) {
        let (first, second) = (self.key.part::<FIRST, 36>(), self.key.part::<SECOND, 36>());
        let a = Secret::new(sha::sha256(&[message_key, first.expose()]));
        let b = Secret::new(sha::sha256(&[second.expose(), message_key]));
        (interleaved(&a, &b), interleaved(&b, &a))
    }
}

/// `outer[0:8] ‖ inner[8:24] ‖ outer[24:32]` (§2).
fn interleaved(outer: &Secret<32>, inner: &Secret<32>) -> Secret<32> {
    let mut joined = [0; 32];
    let parts = outer.expose().iter().zip(inner.expose());
    for (place, (to, (outer, inner))) in joined.iter_mut().zip(parts).enumerate() {
        *to = if (8..24).contains(&place) { *inner } else { *outer };
    }
    Secret::new(joined)
}
