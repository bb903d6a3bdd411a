// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `e2ee.compat` is made of.
//!
//! For Matrix, objects: state in memory that changes in place, as the bindings of vodozemac and libolm
//! have it (docs/guides/libolm.md; olm_megolm.md §1 to §5). For Telegram, functions.
//!
//! No change of an object is a step to be stored: what it has become and was not pickled dies with it,
//! and an older pickle uses keys twice. The names are those of vodozemac, after `Compat`.

mod account;
mod errors;
mod group;
mod keys;
mod messages;
mod pickles;
mod pk;
mod sas;
mod session;
pub mod telegram;

pub use account::Account;
pub use group::{
    DecryptedMessage, ExportedSessionKey, GroupSession, InboundGroupSession, MegolmMessage,
    SessionKey,
};
pub use keys::{Curve25519PublicKey, Curve25519SecretKey, Ed25519PublicKey, Ed25519Signature};
pub use messages::{AnyOlmMessage, PreKeyMessage};
pub use pk::{PkSigning, compat_pk_decrypt, compat_pk_encrypt};
pub use sas::{EstablishedSas, Sas, SasBytes};
pub use session::Session;
