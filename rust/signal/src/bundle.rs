// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prekey bundles: what an initiator needs to start a session with a device that is away
//! (signal.md §3), and their exchanged form (docs/formats.md, "Bundle").

use e2ee_primitives::{kyber1024, x25519, xeddsa::VerifyingKey};
use e2ee_wire::{
    Error,
    protobuf::{self, Fields, Value},
};

use crate::{
    address::DeviceId,
    keys::{EC_KEY_LEN, KYBER_KEY_LEN, decode_ec, decode_kyber, encode_ec, encode_kyber},
    prekeys::SIGNATURE_LEN,
};

/// The first byte of an encoded bundle.
pub const FORMAT_VERSION: u8 = 1;
const FIELDS: usize = 11;
/// The most bytes that an encoded bundle takes.
pub const MAX_LEN: usize = 1 // the version
    + 4 * NUMBER_MOST + 2 // four numbers of 32 bits, and the device's
    + 3 * (2 + EC_KEY_LEN)
    + (3 + KYBER_KEY_LEN)
    + 2 * (2 + SIGNATURE_LEN);
/// A field with a number of 32 bits.
const NUMBER_MOST: usize = 6;

/// A public elliptic-curve prekey with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberedKey {
    /// The number on the device that holds the private half.
    pub id: u32,
    /// The key.
    pub key: x25519::PublicKey,
}

/// The public keys that one device offers; nothing of it has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreKeyBundle {
    /// The device's registration id.
    pub registration_id: u32,
    /// The device's number.
    pub device: DeviceId,
    /// The account's identity key.
    pub identity_key: x25519::PublicKey,
    /// A key for this session alone, if the bundle is not reusable.
    pub one_time: Option<NumberedKey>,
    /// The signed prekey.
    pub signed: NumberedKey,
    /// The identity's signature over the signed prekey.
    pub signed_signature: [u8; SIGNATURE_LEN],
    /// The Kyber prekey's number.
    pub kyber_id: u32,
    /// The Kyber prekey.
    pub kyber_key: kyber1024::PublicKey,
    /// The identity's signature over the Kyber prekey.
    pub kyber_signature: [u8; SIGNATURE_LEN],
}

/// A bundle whose signatures are those of the identity that it names.
///
/// That says who signed, not who that is: only a compared safety number does.
#[derive(Debug)]
pub struct VerifiedBundle<'a>(&'a PreKeyBundle);

impl PreKeyBundle {
    /// Checks both signatures; [`Error::BadSignature`] if one fails (signal.md §5.4).
    pub fn verify(&self) -> Result<VerifiedBundle<'_>, Error> {
        let identity = VerifyingKey::new(self.identity_key);
        identity.verify(&[&encode_ec(&self.signed.key)], &self.signed_signature)?;
        identity.verify(&[&encode_kyber(&self.kyber_key)], &self.kyber_signature)?;
        Ok(VerifiedBundle(self))
    }

    /// The exchanged form: the format version, then the fields in ascending order.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1_900);
        out.push(FORMAT_VERSION);
        protobuf::write_varint(&mut out, 1, u64::from(self.registration_id));
        protobuf::write_varint(&mut out, 2, u64::from(self.device.get()));
        protobuf::write_bytes(&mut out, 3, &encode_ec(&self.identity_key));
        if let Some(one_time) = &self.one_time {
            protobuf::write_varint(&mut out, 4, u64::from(one_time.id));
            protobuf::write_bytes(&mut out, 5, &encode_ec(&one_time.key));
        }
        protobuf::write_varint(&mut out, 6, u64::from(self.signed.id));
        protobuf::write_bytes(&mut out, 7, &encode_ec(&self.signed.key));
        protobuf::write_bytes(&mut out, 8, &self.signed_signature);
        protobuf::write_varint(&mut out, 9, u64::from(self.kyber_id));
        protobuf::write_bytes(&mut out, 10, &encode_kyber(&self.kyber_key));
        protobuf::write_bytes(&mut out, 11, &self.kyber_signature);
        out
    }

    /// Reads the exchanged form; only what [`PreKeyBundle::encode`] writes is accepted.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (version, protobuf) = bytes.split_first().ok_or(Error::Malformed)?;
        if *version != FORMAT_VERSION {
            return Err(Error::UnsupportedVersion);
        }
        let known = known_fields(protobuf)?;
        let [registration, device, identity, one_time_id, one_time_key, rest @ ..] = known;
        let [signed_id, signed_key, signed_signature, kyber_id, kyber_key, kyber_signature] = rest;
        let one_time = match (one_time_id, one_time_key) {
            (None, None) => None,
            (id, key) => Some(numbered(id, key)?),
        };
        let bundle = Self {
            registration_id: number_of(registration)?,
            device: DeviceId::new(number_of(device)?).map_err(|_| Error::Malformed)?,
            identity_key: decode_ec(bytes_of(identity)?)?,
            one_time,
            signed: numbered(signed_id, signed_key)?,
            signed_signature: signature(signed_signature)?,
            kyber_id: number_of(kyber_id)?,
            kyber_key: decode_kyber(bytes_of(kyber_key)?)?,
            kyber_signature: signature(kyber_signature)?,
        };
        if bundle.encode() == bytes { Ok(bundle) } else { Err(Error::Malformed) }
    }
}

impl<'a> VerifiedBundle<'a> {
    /// The bundle.
    #[must_use]
    pub const fn get(&self) -> &'a PreKeyBundle {
        self.0
    }
}

fn known_fields(protobuf: &[u8]) -> Result<[Option<Value<'_>>; FIELDS], Error> {
    let mut known = [None; FIELDS];
    let mut fields = Fields::new(protobuf);
    while let Some((number, value)) = fields.next_field()? {
        let slot = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        *slot.and_then(|slot| known.get_mut(slot)).ok_or(Error::Malformed)? = Some(value);
    }
    Ok(known)
}

fn number_of(field: Option<Value<'_>>) -> Result<u32, Error> {
    field.ok_or(Error::Malformed)?.u32()
}

fn bytes_of(field: Option<Value<'_>>) -> Result<&[u8], Error> {
    field.ok_or(Error::Malformed)?.bytes()
}

fn numbered(id: Option<Value<'_>>, key: Option<Value<'_>>) -> Result<NumberedKey, Error> {
    Ok(NumberedKey { id: number_of(id)?, key: decode_ec(bytes_of(key)?)? })
}

fn signature(field: Option<Value<'_>>) -> Result<[u8; SIGNATURE_LEN], Error> {
    bytes_of(field)?.try_into().map_err(|_| Error::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Address, Device};

    struct Counting(u8);

    impl e2ee_primitives::Random for Counting {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
            for byte in out {
                self.0 = self.0.wrapping_add(1);
                *byte = self.0;
            }
            Ok(())
        }
    }

    #[test]
    fn no_bundle_is_longer_than_the_longest() {
        let address = Address::new("bob", DeviceId::new(127).unwrap()).unwrap();
        let mut device = Device::generate(address, 0, &mut Counting(0)).unwrap();
        let mut bundle = device.bundle(&mut Counting(9)).unwrap();
        bundle.registration_id = u32::MAX;
        bundle.signed.id = u32::MAX;
        bundle.kyber_id = u32::MAX;
        bundle.one_time.as_mut().unwrap().id = u32::MAX;

        assert_eq!(MAX_LEN, bundle.encode().len());
    }
}
