// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sealed sender: messages that do not tell the server who sent them (signal.md §10).
//!
//! A server certifies who may send ([`issuer`], [`certificate`]); the certificate travels inside,
//! with the message that it vouches for ([`content`]), under one of two seals ([`v1`], [`v2`]).
//! [`opening`] is what a recipient does, [`fan_out`] what the server does with one message to
//! many.

pub mod certificate;
pub mod content;
pub mod fan_out;
pub mod issuer;
pub mod opening;
pub mod v1;
pub mod v2;

#[cfg(test)]
mod tests;

pub use certificate::{SenderCertificate, ServerCertificate, TrustAnchors};
pub use content::{Content, ContentKind, Hint};
pub use fan_out::SentMessage;
pub use issuer::{ServerSigner, Subject, TrustRoot};
pub use opening::{Receiver, open};
