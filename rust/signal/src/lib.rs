// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Signal protocol (signal.md): identities and prekeys, PQXDH, the Double Ratchet with the
//! post-quantum ratchet (spqr.md), sessions, and sender keys for groups.
//!
//! docs/protocols/signal.md says which file holds which section.

#![forbid(unsafe_code)]

pub mod account;
pub mod account_keys;
pub mod address;
pub mod attachment;
pub mod bundle;
pub mod decryption_error;
pub mod device;
pub mod dialect;
pub mod envelope;
pub mod hpke;
pub mod import;
pub mod keys;
pub mod limits;
pub mod message;
pub mod padding;
pub mod parts;
mod phase;
pub mod pqxdh;
pub mod prekey_message;
pub mod prekeys;
mod record;
pub mod safety_number;
pub mod sealed_sender;
pub mod sender_keys;
pub mod session;
pub mod sessions;
pub mod spqr;
pub mod standalone;
pub mod stock;
pub mod triple;
pub mod username;

pub use address::{Address, DeviceId, ServiceId};
pub use bundle::PreKeyBundle;
pub use device::Device;
pub use message::RatchetMessage;
pub use prekey_message::PreKeyMessage;
pub use session::{Ciphertext, Parties, Session};
pub use sessions::Sessions;
pub use standalone::StandaloneSession;
pub use stock::PreKeyStock;
