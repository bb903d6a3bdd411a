// SPDX-License-Identifier: MIT OR Apache-2.0
//! The protocols of Matrix (olm_megolm.md §1 to §9): Olm for two devices, Megolm for a room, and what
//! a client needs around them.
//!
//! docs/protocols/olm.md says which file holds which section.

#![forbid(unsafe_code)]

pub mod account;
pub mod attachment;
pub mod dialect;
pub mod ecies;
mod fallback;
pub mod hpke_channel;
mod json;
pub mod kept;
pub mod key_export;
pub mod keys;
pub mod limits;
pub mod megolm;
pub mod message;
pub mod one_time_keys;
#[cfg(test)]
mod people;
pub mod pickle;
pub mod pk;
pub mod qr;
pub mod record;
pub mod recovery;
pub mod sas;
pub mod secret_storage;
pub mod session;
pub mod sessions;
pub mod signing;
pub mod standalone;
pub mod stored;
pub mod stored_key;
mod strict;

pub use account::Account;
pub use keys::SessionKeys;
pub use message::{NormalMessage, PreKeyMessage};
pub use one_time_keys::OneTimeKeys;
pub use session::{Ciphertext, Session};
pub use sessions::Sessions;
pub use standalone::StandaloneSession;
pub use stored::StoredAccount;
