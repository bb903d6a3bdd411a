// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sender keys: one message for a whole group (signal.md §9).
//!
//! Each sender has a chain of its own. Whoever holds the chain, from the distribution message that
//! came through a pairwise session, opens all that its sender writes from there on. A message is
//! one AES-CBC body under a signature by the chain's signing key.
//!
//! Nothing post-quantum and nothing that heals is in it: both come from the pairwise sessions, and
//! only with a new chain.

pub mod distribution;
pub mod import;
pub mod message;
pub mod receiving;
pub mod sending;
pub mod standalone;

use e2ee_primitives::{Secret, hkdf};

pub use distribution::DistributionMessage;
pub use import::SenderKeyRecord;
pub use message::GroupMessage;
pub use receiving::SenderKeys;
pub use sending::SenderKey;

/// The version byte of group messages: needs version 3, speaks version 3 (signal.md §4.1).
const VERSION: u8 = 0x33;
const MAJOR_VERSION: u8 = VERSION >> 4;
/// Bytes of a distribution's UUID.
pub const DISTRIBUTION_ID_LEN: usize = 16;
/// Bytes of the signature at the end of a group message.
pub const SIGNATURE_LEN: usize = 64;

/// IV and cipher key of a message: HKDF of its seed (signal.md §9).
fn message_keys(seed: &Secret<32>) -> (Secret<16>, Secret<32>) {
    let keys: Secret<48> = hkdf::derive(&[], &[seed.expose()], &[b"WhisperGroup"]);
    (keys.part::<0, 16>(), keys.part::<16, 32>())
}

#[cfg(test)]
mod tests;
