// SPDX-License-Identifier: MIT OR Apache-2.0
//! The protocols of Matrix (olm_megolm.md §1 to §9): Olm for two devices, Megolm for a room, and what
//! a client needs around them.
//!
//! docs/protocols/olm.md says which file holds which section.

#![forbid(unsafe_code)]

pub mod attachment;
pub mod ecies;
pub mod hpke_channel;
pub mod kept;
pub mod key_export;
pub mod pk;
pub mod qr;
pub mod recovery;
pub mod sas;
pub mod secret_storage;
pub mod signing;
