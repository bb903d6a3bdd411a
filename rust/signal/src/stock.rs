// SPDX-License-Identifier: MIT OR Apache-2.0
//! The private halves of the prekeys that this device has offered (signal.md §3 and §5.4,
//! "Prekey rules").

use std::collections::VecDeque;

use e2ee_primitives::{Secret, kyber1024, random::Random, sha, x25519};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

use crate::{
    address::DeviceId,
    bundle::{NumberedKey, PreKeyBundle},
    prekey_message::Outer,
    prekeys::{KyberPreKey, SIGNATURE_LEN, SignedPreKey},
    session::{AcceptingKeys, OurIdentity},
};

/// Bundles with a one-time key that may wait for their first message; the oldest gives way.
pub const MAX_RESERVED: usize = 1_000;
/// Sessions that may be started from the reusable bundle.
pub const MAX_REUSES: usize = 10_000;
const FORMAT_VERSION: u8 = 1;
/// Bytes of a number, of a list's length, and of a key pair.
const ID_LEN: usize = 4;
const PAIR_LEN: usize = 64;
const SEED: u8 = 1;
const EXPANDED: u8 = 2;

/// All prekeys of a device.
#[derive(Debug)]
pub struct PreKeyStock {
    /// The number that the next prekey takes; numbers are never used twice.
    next_id: u32,
    signed: SignedPreKey,
    last_resort: KyberPreKey,
    reserved: VecDeque<Reserved>,
    /// Digests of the sessions that were started with the last-resort key.
    reuses: Vec<[u8; 16]>,
}

/// What one bundle took for its session alone; both keys carry the same number.
#[derive(Debug)]
struct Reserved {
    id: u32,
    one_time: x25519::PrivateKey,
    kyber: kyber1024::DecapsulationKey,
}

/// What a new session used of the stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedPreKeys {
    one_time_id: Option<u32>,
    kyber_id: u32,
    reuse: [u8; 16],
}

impl PreKeyStock {
    /// A stock with a fresh signed prekey and a fresh last-resort Kyber prekey.
    pub fn generate(identity: &x25519::PrivateKey, random: &mut dyn Random) -> Result<Self, Error> {
        Ok(Self {
            next_id: 3,
            signed: SignedPreKey::generate(1, identity, random)?,
            last_resort: KyberPreKey::generate(2, identity, random)?,
            reserved: VecDeque::new(),
            reuses: Vec::new(),
        })
    }

    /// A bundle for one session, with one-time keys that are kept until its first message.
    pub fn reserve(
        &mut self,
        ours: OurIdentity<'_>,
        device: DeviceId,
        random: &mut dyn Random,
    ) -> Result<PreKeyBundle, Error> {
        let id = self.next_id;
        let next_id = id.checked_add(1).ok_or(Error::Exhausted)?;
        let one_time = x25519::PrivateKey::random(random)?;
        let kyber = KyberPreKey::generate(id, ours.key, random)?;
        let bundle = PreKeyBundle {
            one_time: Some(NumberedKey { id, key: *one_time.public() }),
            ..self.bundle(ours, device, &kyber)
        };
        self.next_id = next_id;
        let excess = self.reserved.len().saturating_add(1).saturating_sub(MAX_RESERVED);
        self.reserved.drain(..excess);
        self.reserved.push_back(Reserved { id, one_time, kyber: kyber.key });
        Ok(bundle)
    }

    /// A bundle without one-time keys, for any number of sessions.
    #[must_use]
    pub fn reusable(&self, ours: OurIdentity<'_>, device: DeviceId) -> PreKeyBundle {
        self.bundle(ours, device, &self.last_resort)
    }

    fn bundle(&self, ours: OurIdentity<'_>, device: DeviceId, kyber: &KyberPreKey) -> PreKeyBundle {
        PreKeyBundle {
            registration_id: ours.registration_id,
            device,
            identity_key: *ours.key.public(),
            one_time: None,
            signed: NumberedKey { id: self.signed.id, key: *self.signed.key.public() },
            signed_signature: self.signed.signature,
            kyber_id: kyber.id,
            kyber_key: kyber.key.public(),
            kyber_signature: kyber.signature,
        }
    }

    /// The private keys that a prekey message names: [`Error::UnknownPreKey`] if one is not held,
    /// [`Error::Duplicate`] if the last-resort key has met this base key before.
    pub fn find(&self, outer: &Outer<'_>) -> Result<AcceptingKeys<'_>, Error> {
        if outer.signed_id != self.signed.id {
            return Err(Error::UnknownPreKey);
        }
        let kyber = if outer.kyber_id == self.last_resort.id {
            if self.reuses.contains(&reuse_digest(outer)) {
                return Err(Error::Duplicate);
            }
            if self.reuses.len() >= MAX_REUSES {
                return Err(Error::Exhausted);
            }
            &self.last_resort.key
        } else {
            &self.reserved(outer.kyber_id)?.kyber
        };
        let one_time = match outer.one_time_id {
            Some(id) => Some(&self.reserved(id)?.one_time),
            None => None,
        };
        Ok(AcceptingKeys { signed: &self.signed.key, one_time, kyber })
    }

    fn reserved(&self, id: u32) -> Result<&Reserved, Error> {
        self.reserved.iter().find(|reserved| reserved.id == id).ok_or(Error::UnknownPreKey)
    }

    /// Deletes the one-time keys that a new session used, or remembers its use of the last-resort
    /// key (signal.md §5.4 step 7).
    pub fn consume(&mut self, used: &UsedPreKeys) {
        self.reserved.retain(|reserved| {
            Some(reserved.id) != used.one_time_id && reserved.id != used.kyber_id
        });
        if used.kyber_id == self.last_resort.id {
            self.reuses.push(used.reuse);
        }
    }

    /// Bundles that wait for their first message.
    #[must_use]
    pub fn reserved_len(&self) -> usize {
        self.reserved.len()
    }

    /// Appends the stored form (docs/formats.md, "Prekeys").
    pub fn encode(&self, out: &mut Vec<u8>) {
        // All at once: a vector that grows leaves private keys in its old place.
        out.reserve(self.encoded_len());
        out.push(FORMAT_VERSION);
        out.extend_from_slice(&self.next_id.to_be_bytes());
        out.extend_from_slice(&self.signed.id.to_be_bytes());
        encode_pair(&self.signed.key, out);
        out.extend_from_slice(&self.signed.signature);
        out.extend_from_slice(&self.last_resort.id.to_be_bytes());
        encode_kyber(&self.last_resort.key, out);
        out.extend_from_slice(&self.last_resort.signature);
        write_length(out, self.reserved.len());
        for reserved in &self.reserved {
            out.extend_from_slice(&reserved.id.to_be_bytes());
            encode_pair(&reserved.one_time, out);
            encode_kyber(&reserved.kyber, out);
        }
        write_length(out, self.reuses.len());
        for reuse in &self.reuses {
            out.extend_from_slice(reuse);
        }
    }

    /// What [`PreKeyStock::encode`] appends, in bytes.
    fn encoded_len(&self) -> usize {
        let signed = ID_LEN + PAIR_LEN + SIGNATURE_LEN;
        let last_resort = ID_LEN + kyber_len(&self.last_resort.key) + SIGNATURE_LEN;
        let kept = |one: &Reserved| ID_LEN + PAIR_LEN + kyber_len(&one.kyber);
        let reserved: usize = self.reserved.iter().map(kept).sum();
        let reuses = self.reuses.len().saturating_mul(16);
        1 + ID_LEN + signed + last_resort + ID_LEN + reserved + ID_LEN + reuses
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let next_id = reader.u32()?;
        let signed = SignedPreKey {
            id: reader.u32()?,
            key: decode_pair(&mut reader)?,
            signature: *reader.array()?,
        };
        let last_resort = KyberPreKey {
            id: reader.u32()?,
            key: decode_kyber(&mut reader)?,
            signature: *reader.array()?,
        };
        let mut reserved = VecDeque::new();
        for _ in 0..reader.length(MAX_RESERVED)? {
            let id = reader.u32()?;
            let one_time = decode_pair(&mut reader)?;
            reserved.push_back(Reserved { id, one_time, kyber: decode_kyber(&mut reader)? });
        }
        let mut reuses = Vec::new();
        for _ in 0..reader.length(MAX_REUSES)? {
            reuses.push(*reader.array()?);
        }
        reader.finish()?;
        Ok(Self { next_id, signed, last_resort, reserved, reuses })
    }
}

impl UsedPreKeys {
    /// What the session behind `outer` uses.
    #[must_use]
    pub fn of(outer: &Outer<'_>) -> Self {
        Self {
            one_time_id: outer.one_time_id,
            kyber_id: outer.kyber_id,
            reuse: reuse_digest(outer),
        }
    }
}

/// The triple that must not come twice: Kyber id, signed prekey id and base key.
fn reuse_digest(outer: &Outer<'_>) -> [u8; 16] {
    let kyber_id = outer.kyber_id.to_be_bytes();
    let signed_id = outer.signed_id.to_be_bytes();
    let digest = sha::sha256(&[&kyber_id, &signed_id, outer.base_key.as_bytes()]);
    let (first, _) = digest.split_first_chunk().unwrap_or((&[0; 16], &[]));
    *first
}

fn encode_pair(key: &x25519::PrivateKey, out: &mut Vec<u8>) {
    out.extend_from_slice(key.expose());
    out.extend_from_slice(key.public().as_bytes());
}

fn decode_pair(reader: &mut RecordReader<'_>) -> Result<x25519::PrivateKey, Error> {
    let secret = Secret::new(*reader.array()?);
    Ok(x25519::PrivateKey::from_parts(secret, x25519::PublicKey::new(*reader.array()?)))
}

fn encode_kyber(key: &kyber1024::DecapsulationKey, out: &mut Vec<u8>) {
    match key {
        kyber1024::DecapsulationKey::Seed(seed) => {
            out.push(SEED);
            out.extend_from_slice(seed.expose());
        }
        kyber1024::DecapsulationKey::Expanded(key) => {
            out.push(EXPANDED);
            out.extend_from_slice(key.expose());
        }
    }
}

const fn kyber_len(key: &kyber1024::DecapsulationKey) -> usize {
    match key {
        kyber1024::DecapsulationKey::Seed(_) => 1 + 64,
        kyber1024::DecapsulationKey::Expanded(_) => 1 + kyber1024::EXPANDED_LEN,
    }
}

fn decode_kyber(reader: &mut RecordReader<'_>) -> Result<kyber1024::DecapsulationKey, Error> {
    match reader.u8()? {
        SEED => Ok(kyber1024::DecapsulationKey::Seed(Secret::new(*reader.array()?))),
        EXPANDED => kyber1024::DecapsulationKey::from_expanded(reader.array()?)
            .map_err(|_| Error::CorruptState),
        _ => Err(Error::CorruptState),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counter(u8);

    impl Random for Counter {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
            self.0 = self.0.wrapping_add(1);
            out.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn the_stored_form_is_exactly_as_long_as_was_reserved_for_it() {
        let mut random = Counter(0);
        let identity = x25519::PrivateKey::random(&mut random).unwrap();
        let ours = OurIdentity { key: &identity, registration_id: 1 };
        let device = DeviceId::new(1).unwrap();
        let mut stock = PreKeyStock::generate(&identity, &mut random).unwrap();
        stock.reuses.push([0; 16]);
        for expected in 0..3 {
            let mut out = Vec::new();
            stock.encode(&mut out);
            assert_eq!(expected, stock.reserved_len());
            assert_eq!(stock.encoded_len(), out.len());
            stock.reserve(ours, device, &mut random).unwrap();
        }
    }
}
