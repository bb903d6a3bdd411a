// SPDX-License-Identifier: MIT OR Apache-2.0
//! PQXDH: the first secrets of a session, from four X25519 agreements and Kyber-1024
//! (PQXDH revision 3 §3; signal.md §5.1).

use e2ee_primitives::{Secret, hkdf};
use e2ee_ratchet::{Chain, agreement::Agreements};

const LABEL: &[u8] = b"WhisperText_X25519_SHA-256_CRYSTALS-KYBER-1024";
/// Keeps the input apart from any encoded key (X3DH §2.2, `F`).
const PREFIX: [u8; 32] = [0xff; 32];

/// What both parties know after the agreement.
#[derive(Debug)]
pub struct SessionSecrets {
    /// The first root key.
    pub root: Secret<32>,
    /// The chain under the responder's signed prekey.
    pub chain: Chain,
    /// Seeds the post-quantum ratchet, and nothing else.
    pub pq_auth_key: Secret<32>,
}

/// HKDF-SHA-256 over the prefix, the agreements in order and the KEM's secret, 96 bytes.
#[must_use]
pub fn derive(agreements: &Agreements, kem_secret: &Secret<32>) -> SessionSecrets {
    let ([first, second, third], one_time) = agreements.expose();
    let fourth: &[u8] = one_time.map_or(&[], |secret| secret.expose());
    let derived: Secret<96> = hkdf::derive(
        &[],
        &[&PREFIX, first.expose(), second.expose(), third.expose(), fourth, kem_secret.expose()],
        &[LABEL],
    );
    let (root, chain, pq_auth_key) = derived.split();
    SessionSecrets { root, chain: Chain::new(chain, 0), pq_auth_key }
}
