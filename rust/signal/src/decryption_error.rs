// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a recipient says of a message that it could not open, and the plaintext content around it
//! (signal.md §4.4).
//!
//! Neither is encrypted or authenticated: it says which message is missing, never why.

use e2ee_primitives::x25519;
use e2ee_wire::{
    Error,
    protobuf::{self, Fields},
};

use crate::{
    DeviceId, PreKeyMessage, RatchetMessage,
    envelope::Kind,
    keys::{EC_KEY_LEN, decode_ec, encode_ec},
    sender_keys::GroupMessage,
};

/// The first byte of plaintext content.
const IDENTIFIER: u8 = 0xc0;
/// Where a content holds a decryption error.
const CONTENT_FIELD: u32 = 8;
/// The boundary of the padding, with no zeros behind it.
const BOUNDARY: u8 = 0x80;

/// Asks the sender of a message to send it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecryptionError {
    /// The ratchet key of the message, unless it was a group's.
    pub ratchet_key: Option<x25519::PublicKey>,
    /// When it was sent, in milliseconds since the Unix epoch, as its carrier says.
    pub sent_ms: u64,
    /// The device that sent it; 0 names none.
    pub device: u32,
}

impl DecryptionError {
    /// Of a message of `device`'s that was sent at `sent_ms`; it depends on nothing else.
    ///
    /// [`Error::InvalidArgument`] for plaintext content, lest two devices answer each other for
    /// ever, and for a sealed message, which must be opened first.
    pub fn of(
        (kind, message): (Kind, &[u8]),
        sent_ms: u64,
        device: DeviceId,
    ) -> Result<Self, Error> {
        let ratchet_key = match kind {
            Kind::Ratchet => Some(RatchetMessage::decode(message)?.header.ratchet_key),
            Kind::PreKey => Some(PreKeyMessage::decode(message)?.message.header.ratchet_key),
            Kind::Group => GroupMessage::decode(message).map(|_| None)?,
            Kind::Sealed | Kind::Plaintext => return Err(Error::InvalidArgument),
        };
        Ok(Self { ratchet_key, sent_ms, device: u32::from(device.get()) })
    }

    /// The message by itself.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(2 + EC_KEY_LEN + 11 + 6);
        if let Some(key) = &self.ratchet_key {
            protobuf::write_bytes(&mut out, 1, &encode_ec(key));
        }
        protobuf::write_varint(&mut out, 2, self.sent_ms);
        if self.device != 0 {
            protobuf::write_varint(&mut out, 3, u64::from(self.device));
        }
        out
    }

    /// Reads [`DecryptionError::encode`].
    ///
    /// Unlike the reference client, only what encodes to itself is accepted: nothing authenticates
    /// these bytes, and one request has one form.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (mut ratchet_key, mut sent_ms, mut device) = (None, None, 0);
        let mut fields = Fields::new(bytes);
        while let Some((number, value)) = fields.next_field()? {
            match number {
                1 => ratchet_key = Some(decode_ec(value.bytes()?)?),
                2 => sent_ms = Some(value.u64()?),
                3 => device = value.u32()?,
                _ => return Err(Error::Malformed),
            }
        }
        let sent_ms = sent_ms.ok_or(Error::Malformed)?;
        let decoded = Self { ratchet_key, sent_ms, device };
        if decoded.encode() == bytes { Ok(decoded) } else { Err(Error::Malformed) }
    }

    /// Plaintext content (kind 8) that holds nothing else.
    #[must_use]
    pub fn encode_content(&self) -> Vec<u8> {
        let mut out = vec![IDENTIFIER];
        protobuf::write_bytes(&mut out, CONTENT_FIELD, &self.encode());
        out.push(BOUNDARY);
        out
    }

    /// Reads [`DecryptionError::encode_content`]; as strictly, and [`Error::UnsupportedVersion`] if
    /// it begins with another byte.
    pub fn decode_content(bytes: &[u8]) -> Result<Self, Error> {
        let (identifier, body) = bytes.split_first().ok_or(Error::Malformed)?;
        if *identifier != IDENTIFIER {
            return Err(Error::UnsupportedVersion);
        }
        let Some((&BOUNDARY, content)) = body.split_last() else { return Err(Error::Malformed) };
        let mut fields = Fields::new(content);
        let decoded = match fields.next_field()? {
            Some((CONTENT_FIELD, value)) => Self::decode(value.bytes()?)?,
            _ => return Err(Error::Malformed),
        };
        if decoded.encode_content() == bytes { Ok(decoded) } else { Err(Error::Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> DecryptionError {
        let ratchet_key = Some(x25519::PublicKey::new([9; 32]));
        DecryptionError { ratchet_key, sent_ms: u64::MAX, device: 127 }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let of_group = DecryptionError { ratchet_key: None, sent_ms: 0, device: 0 };
        for each in [request(), of_group] {
            assert_eq!(Ok(each), DecryptionError::decode(&each.encode()));
            assert_eq!(Ok(each), DecryptionError::decode_content(&each.encode_content()));
        }
    }

    #[test]
    fn every_truncation_and_every_tail_is_refused() {
        let (message, content) = (request().encode(), request().encode_content());
        for length in 0..message.len() {
            let cut = DecryptionError::decode(&message[..length]);
            // Without the device it is another request, which names none.
            assert_eq!(length == message.len() - 2, cut.is_ok(), "{length}");
        }
        for length in 0..content.len() {
            assert!(DecryptionError::decode_content(&content[..length]).is_err(), "{length}");
        }
        for tail in [&[0][..], &[0x80], &[0x20, 0]] {
            assert!(DecryptionError::decode(&[&message, tail].concat()).is_err());
            assert!(DecryptionError::decode_content(&[&content, tail].concat()).is_err());
        }
    }

    #[test]
    fn another_first_byte_is_another_version() {
        let content = request().encode_content();
        for first in [0x00, 0x44, 0xc1] {
            let other = [&[first][..], &content[1..]].concat();
            assert_eq!(Err(Error::UnsupportedVersion), DecryptionError::decode_content(&other));
        }
    }

    #[test]
    fn one_request_has_one_form() {
        // A repeated field, another order, a longer varint, a zero device, an unknown field.
        for bytes in [
            &[0x10, 5, 0x10, 5][..],
            &[0x18, 1, 0x10, 5],
            &[0x10, 0x85, 0x00],
            &[0x10, 5, 0x18, 0],
            &[0x10, 5, 0x20, 1],
            &[0x18, 1],
        ] {
            assert_eq!(Err(Error::Malformed), DecryptionError::decode(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn no_answer_is_made_to_an_answer_or_to_a_seal() {
        let device = DeviceId::new(1).unwrap();
        let content = request().encode_content();
        for kind in [Kind::Plaintext, Kind::Sealed] {
            let refused = DecryptionError::of((kind, &content), 0, device);
            assert_eq!(Err(Error::InvalidArgument), refused);
        }
    }
}
