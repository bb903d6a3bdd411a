// SPDX-License-Identifier: MIT OR Apache-2.0
//! What Matrix clients speak, as `e2ee.olm` and `e2ee.matrix` show it (olm_megolm.md; docs/storage.md,
//! "Without a store").

mod account;
pub mod channel;
mod corresponds;
pub mod export;
pub mod files;
pub mod hpke_channel;
pub mod keys;
mod megolm;
mod pickles;
pub mod qr;
mod rooms;
pub mod sas;
mod session;
pub mod storage;
mod stored;

pub use account::OlmAccount;
pub use megolm::{OlmInboundGroupSession, OlmOutboundGroupSession};
pub use pickles::OlmPickles;
pub use rooms::OlmRooms;
pub use session::OlmSession;
pub use stored::OlmStoredAccount;

use e2ee_primitives::x25519;
use e2ee_wire::Error;

/// A Curve25519 public key, 32 bytes without a type byte (olm_megolm.md §1.3).
fn public_key(bytes: &[u8]) -> Result<x25519::PublicKey, Error> {
    bytes.try_into().map(x25519::PublicKey::new).map_err(|_| Error::InvalidKey)
}
