// SPDX-License-Identifier: MIT OR Apache-2.0
//! The start of a session: the three keys that name it, and the secrets that follow from them
//! (olm_megolm.md §1.1).

use e2ee_primitives::{Secret, hkdf, sha, x25519};
use e2ee_ratchet::{Chain, agreement::Agreements};

/// The public keys of a session's start, which every prekey message repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionKeys {
    /// The initiator's identity key.
    pub identity_key: x25519::PublicKey,
    /// The initiator's base key, made for this session.
    pub base_key: x25519::PublicKey,
    /// The responder's one-time or fallback key.
    pub one_time_key: x25519::PublicKey,
}

impl SessionKeys {
    /// The id of the session, 32 bytes: SHA-256 of identity key, base key and one-time key.
    ///
    /// Both ends have the same; programs that show it write it as base64 (olm_megolm.md §1.1).
    #[must_use]
    pub fn session_id(&self) -> [u8; 32] {
        sha::sha256(&[
            self.identity_key.as_bytes(),
            self.base_key.as_bytes(),
            self.one_time_key.as_bytes(),
        ])
    }
}

/// The first root key and the first chain, the initiator's: HKDF-SHA-256 without salt over the
/// three agreements, 64 bytes.
#[must_use]
pub fn derive(agreements: &Agreements) -> (Secret<32>, Chain) {
    let ([first, second, third], _) = agreements.expose();
    let inputs: [&[u8]; 3] = [first.expose(), second.expose(), third.expose()];
    let derived: Secret<64> = hkdf::derive(&[], &inputs, &[b"OLM_ROOT"]);
    let (root, chain) = derived.split();
    (root, Chain::new(chain, 0))
}
