// SPDX-License-Identifier: MIT OR Apache-2.0
//! Envelopes: what an application carries from sender to recipient, with the type of the message
//! that Matrix keeps beside it (olm_megolm.md §1.3; docs/formats.md, "Matrix envelope").
//!
//! ```text
//! version 32 | kind 1 | message
//! ```
//!
//! The kinds are those of other protocols' envelopes, of which the version tells them.

use e2ee_primitives::x25519;
use e2ee_wire::Error;

use crate::{message::PreKeyMessage, session::Ciphertext, standalone::Received};

/// The first byte of an envelope.
pub const FORMAT_VERSION: u8 = 32;
/// The most bytes of a plaintext: 16 MiB. Matrix events are far shorter; larger contents belong into
/// encrypted files.
pub const MAX_PLAINTEXT_LEN: usize = 16 << 20;
/// The most bytes of an envelope: a plaintext with all that can stand around it.
pub const MAX_ENVELOPE_LEN: usize = MAX_PLAINTEXT_LEN + 4_096;
/// A normal message: type 1 in Matrix.
const NORMAL: u8 = 2;
/// A prekey message: type 0 in Matrix.
const PREKEY: u8 = 3;

/// The envelope of a message.
pub(super) fn wrap(message: &Ciphertext) -> Vec<u8> {
    let (kind, message) = match message {
        Ciphertext::PreKey(message) => (PREKEY, message),
        Ciphertext::Normal(message) => (NORMAL, message),
    };
    [&[FORMAT_VERSION, kind], &message[..]].concat()
}

/// The message in an envelope.
///
/// [`Error::UnsupportedVersion`] for another version, [`Error::Malformed`] for another kind, and
/// above [`MAX_ENVELOPE_LEN`] bytes.
pub fn decode(envelope: &[u8]) -> Result<Received<'_>, Error> {
    if envelope.len() > MAX_ENVELOPE_LEN {
        return Err(Error::Malformed);
    }
    match envelope.split_first_chunk::<2>() {
        Some(([FORMAT_VERSION, PREKEY], message)) => Ok(Received::PreKey(message)),
        Some(([FORMAT_VERSION, NORMAL], message)) => Ok(Received::Normal(message)),
        Some(([FORMAT_VERSION, _], _)) | None => Err(Error::Malformed),
        Some(_) => Err(Error::UnsupportedVersion),
    }
}

/// The identity key that an envelope shows, if it is that of a first message.
#[must_use]
pub fn identity_key(envelope: &[u8]) -> Option<x25519::PublicKey> {
    let Ok(Received::PreKey(message)) = decode(envelope) else { return None };
    PreKeyMessage::decode(message).ok().map(|message| message.keys.identity_key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_above_the_limit_is_malformed() {
        let mut envelope = vec![0; MAX_ENVELOPE_LEN];
        envelope[..2].copy_from_slice(&[FORMAT_VERSION, NORMAL]);
        assert!(decode(&envelope).is_ok());

        envelope.push(0);

        assert_eq!(Some(Error::Malformed), decode(&envelope).err());
    }
}
