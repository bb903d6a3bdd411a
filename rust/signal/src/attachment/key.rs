// SPDX-License-Identifier: MIT OR Apache-2.0
//! The key of one attachment, and that of a sticker pack (signal.md §13).

use e2ee_primitives::{Random, Secret, hkdf, hmac::HmacKey};
use e2ee_wire::Error;

/// Bytes of a key: AES-256, then HMAC-SHA-256.
pub const KEY_LEN: usize = 64;

/// AES key ‖ HMAC key, for one blob only.
#[derive(Debug)]
pub struct AttachmentKey(Secret<KEY_LEN>);

impl AttachmentKey {
    /// A key from its bytes.
    #[must_use]
    pub const fn new(bytes: Secret<KEY_LEN>) -> Self {
        Self(bytes)
    }

    /// A fresh key; draws exactly 64 bytes.
    pub fn random(random: &mut dyn Random) -> Result<Self, Error> {
        Secret::random(random).map(Self)
    }

    /// The key of a sticker pack's files, from the pack's key of 32 bytes.
    #[must_use]
    pub fn of_sticker_pack(pack_key: &Secret<32>) -> Self {
        Self(hkdf::derive(&[], &[pack_key.expose()], &[b"Sticker Pack"]))
    }

    /// The bytes, for a pointer that travels inside an encrypted message.
    #[must_use]
    pub const fn expose(&self) -> &[u8; KEY_LEN] {
        self.0.expose()
    }

    /// A second copy, beside the pointer's.
    #[must_use]
    pub const fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }

    pub(super) fn cipher(&self) -> Secret<32> {
        self.0.part::<0, 32>()
    }

    pub(super) fn mac(&self) -> HmacKey {
        HmacKey::new(self.0.part::<32, 32>().expose())
    }
}
