// SPDX-License-Identifier: MIT OR Apache-2.0
//! What Matrix clients speak, without a store (`include/e2ee_olm.h`).

mod account;
mod megolm;
mod pickles;
mod session;

use e2ee_primitives::x25519;

use crate::{edge::In, status::Status};

/// A Curve25519 public key, 32 bytes without a type byte (olm_megolm.md §1.3).
fn public_key(bytes: &[u8]) -> Result<x25519::PublicKey, Status> {
    bytes.try_into().map(x25519::PublicKey::new).map_err(|_| Status::InvalidKey)
}

/// `const uint8_t session_id[32]`: a public Ed25519 key.
type SessionId<'a> = In<'a, [u8; 32]>;
