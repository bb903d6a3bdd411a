// SPDX-License-Identifier: MIT OR Apache-2.0
//! Envelopes: what an application carries from sender to recipient, with the type of the message
//! that Matrix keeps beside it (olm_megolm.md §1.3; docs/formats.md, "Matrix envelope").
//!
//! ```text
//! version 32 | kind 2 or 3 | message of Olm
//! version 32 | kind 5 | session id 32 | length 1, room id | length 1, device id | length 1, sender
//!   key 0 or 32 | message of Megolm
//! ```
//!
//! The kinds are those of other protocols' envelopes, of which the version tells them. What stands
//! beside a message to a room is what its event has; nobody vouches for it, and what old events lack
//! is empty.

use e2ee_primitives::x25519;
use e2ee_wire::{Error, Reader};

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
/// A message to a room.
const ROOM: u8 = 5;

/// What an envelope holds.
#[derive(Clone, Copy, Debug)]
pub enum Contents<'a> {
    /// A message to one device.
    Pairwise(Received<'a>),
    /// A message to a room.
    Room(RoomMessage<'a>),
}

/// A message to a room, with what its event says beside it.
#[derive(Clone, Copy, Debug)]
pub struct RoomMessage<'a> {
    /// The session that it is said to be of.
    pub session_id: &'a [u8; 32],
    /// The room.
    pub room: &'a str,
    /// The sender's device, or nothing.
    pub device: &'a str,
    /// The sender's Curve25519 key, if the event has it.
    pub sender_key: Option<&'a [u8; 32]>,
    /// The message of Megolm.
    pub message: &'a [u8],
}

/// The envelope of a message.
pub(super) fn wrap(message: &Ciphertext) -> Vec<u8> {
    let (kind, message) = match message {
        Ciphertext::PreKey(message) => (PREKEY, message),
        Ciphertext::Normal(message) => (NORMAL, message),
    };
    [&[FORMAT_VERSION, kind], &message[..]].concat()
}

/// The envelope of a message to a room; [`Error::InvalidArgument`] if an id is too long.
pub(super) fn wrap_room(message: &RoomMessage<'_>) -> Result<Vec<u8>, Error> {
    let sender_key = message.sender_key.map_or(&[][..], |key| key);
    let mut out = vec![FORMAT_VERSION, ROOM];
    out.extend_from_slice(message.session_id);
    for part in [message.room.as_bytes(), message.device.as_bytes(), sender_key] {
        out.push(u8::try_from(part.len()).map_err(|_| Error::InvalidArgument)?);
        out.extend_from_slice(part);
    }
    out.extend_from_slice(message.message);
    Ok(out)
}

fn room_message(bytes: &[u8]) -> Result<RoomMessage<'_>, Error> {
    let mut reader = Reader::new(bytes);
    let session_id = reader.array()?;
    let [room, device, sender_key] = [part(&mut reader)?, part(&mut reader)?, part(&mut reader)?];
    let text = |part| core::str::from_utf8(part).map_err(|_| Error::Malformed);
    let sender_key = match sender_key {
        [] => None,
        key => Some(key.try_into().map_err(|_| Error::Malformed)?),
    };
    let (room, device) = (text(room)?, text(device)?);
    Ok(RoomMessage { session_id, room, device, sender_key, message: reader.rest() })
}

fn part<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Error> {
    let length = usize::from(reader.byte()?);
    reader.take(length)
}

/// The message in an envelope.
///
/// [`Error::UnsupportedVersion`] for another version, [`Error::Malformed`] for another kind, and
/// above [`MAX_ENVELOPE_LEN`] bytes.
pub fn decode(envelope: &[u8]) -> Result<Contents<'_>, Error> {
    if envelope.len() > MAX_ENVELOPE_LEN {
        return Err(Error::Malformed);
    }
    let pairwise = |message| Ok(Contents::Pairwise(message));
    match envelope.split_first_chunk::<2>() {
        Some(([FORMAT_VERSION, PREKEY], message)) => pairwise(Received::PreKey(message)),
        Some(([FORMAT_VERSION, NORMAL], message)) => pairwise(Received::Normal(message)),
        Some(([FORMAT_VERSION, ROOM], message)) => room_message(message).map(Contents::Room),
        Some(([FORMAT_VERSION, _], _)) | None => Err(Error::Malformed),
        Some(_) => Err(Error::UnsupportedVersion),
    }
}

/// The identity key that an envelope shows: that of a first message, or the one beside a message to
/// a room.
#[must_use]
pub fn identity_key(envelope: &[u8]) -> Option<x25519::PublicKey> {
    match decode(envelope).ok()? {
        Contents::Pairwise(Received::PreKey(message)) => {
            PreKeyMessage::decode(message).ok().map(|message| message.keys.identity_key)
        }
        Contents::Pairwise(Received::Normal(_)) => None,
        Contents::Room(message) => message.sender_key.copied().map(x25519::PublicKey::new),
    }
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
