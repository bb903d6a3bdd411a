// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prekey messages, which start a session and carry its first ratchet messages (signal.md §4.3).

use e2ee_primitives::{kyber1024, sha, x25519};
use e2ee_wire::{
    Error,
    protobuf::{self, Value},
};

use crate::{
    dialect::{MAJOR_VERSION, VERSION},
    keys::{decode_ec, decode_kyber_ciphertext, encode_ec, encode_kyber_ciphertext},
    message::{RatchetMessage, major_version},
};

/// A prekey message (kind 3), borrowed from the bytes as they came.
///
/// Its outer fields carry no tag. Base key, identity key, ids and ciphertext are authenticated
/// through the keys that they derive; registration id and unknown fields are not.
#[derive(Debug)]
pub struct PreKeyMessage<'a> {
    /// What the initiator used of our bundle, and who it is.
    pub outer: Outer<'a>,
    /// The ratchet message inside.
    pub message: RatchetMessage<'a>,
    /// Its bytes.
    pub inner: &'a [u8],
}

/// The outer fields of a prekey message.
#[derive(Clone, Copy, Debug)]
pub struct Outer<'a> {
    /// Our one-time prekey, if one was used.
    pub one_time_id: Option<u32>,
    /// The initiator's base key.
    pub base_key: x25519::PublicKey,
    /// The initiator's identity key.
    pub identity_key: x25519::PublicKey,
    /// The initiator's registration id; 0 if absent.
    pub registration_id: u32,
    /// Our signed prekey.
    pub signed_id: u32,
    /// Our Kyber prekey.
    pub kyber_id: u32,
    /// The encapsulated secret.
    pub kyber_ciphertext: &'a [u8; kyber1024::CIPHERTEXT_LEN],
}

impl<'a> PreKeyMessage<'a> {
    /// Parses `bytes`; nothing of them is trusted yet.
    ///
    /// Unlike the reference client, a known field that stands twice is refused: nothing
    /// authenticates the copy that does not count.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        if major_version(bytes)? != MAJOR_VERSION {
            return Err(Error::UnsupportedVersion);
        }
        let (_, protobuf) = bytes.split_first().ok_or(Error::Malformed)?;
        let [one_time, base, identity, message, registration, signed, kyber, ciphertext] =
            protobuf::singular(protobuf)?;
        let required = |field: Option<Value<'a>>| field.ok_or(Error::Malformed);
        let outer = Outer {
            one_time_id: one_time.map(Value::u32).transpose()?,
            base_key: decode_ec(required(base)?.bytes()?)?,
            identity_key: decode_ec(required(identity)?.bytes()?)?,
            registration_id: registration.map_or(Ok(0), Value::u32)?,
            signed_id: required(signed)?.u32()?,
            kyber_id: required(kyber)?.u32()?,
            kyber_ciphertext: decode_kyber_ciphertext(required(ciphertext)?.bytes()?)?,
        };
        let inner = required(message)?.bytes()?;
        Ok(Self { outer, message: RatchetMessage::decode(inner)?, inner })
    }
}

impl Outer<'_> {
    /// Encodes a prekey message around the encoded ratchet message `inner`.
    #[must_use]
    pub fn wrap(&self, inner: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(inner.len() + 1_700);
        out.push(VERSION);
        if let Some(id) = self.one_time_id {
            protobuf::write_varint(&mut out, 1, u64::from(id));
        }
        protobuf::write_bytes(&mut out, 2, &encode_ec(&self.base_key));
        protobuf::write_bytes(&mut out, 3, &encode_ec(&self.identity_key));
        protobuf::write_bytes(&mut out, 4, inner);
        protobuf::write_varint(&mut out, 5, u64::from(self.registration_id));
        protobuf::write_varint(&mut out, 6, u64::from(self.signed_id));
        protobuf::write_varint(&mut out, 7, u64::from(self.kyber_id));
        let ciphertext = encode_kyber_ciphertext(self.kyber_ciphertext);
        protobuf::write_bytes(&mut out, 8, &ciphertext);
        out
    }

    /// A digest of fields 1 to 3 and 5 to 8. Further prekey messages of a session must repeat it:
    /// the session was made from these values and they cannot honestly change.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let one_time = self.one_time_id.map_or([0; 4], u32::to_be_bytes);
        sha::sha256(&[
            &[u8::from(self.one_time_id.is_some())],
            &one_time,
            self.base_key.as_bytes(),
            self.identity_key.as_bytes(),
            &self.registration_id.to_be_bytes(),
            &self.signed_id.to_be_bytes(),
            &self.kyber_id.to_be_bytes(),
            self.kyber_ciphertext,
        ])
    }
}
