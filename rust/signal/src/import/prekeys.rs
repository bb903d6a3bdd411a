// SPDX-License-Identifier: MIT OR Apache-2.0
//! The records of prekeys (signal.md §3, "Stored records").

use e2ee_primitives::{kyber1024, random::Random, x25519, xeddsa};
use e2ee_wire::Error;

use crate::{
    keys::{decode_kyber, decode_kyber_secret},
    prekeys::{KyberPreKey, SIGNATURE_LEN, SignedPreKey},
    stock::Numbered,
};

use super::{RecordedKey, Refusal, key_pair};

/// A prekey, and when it was made.
#[derive(Debug)]
pub struct Dated<K> {
    /// The prekey.
    pub prekey: K,
    /// Milliseconds since the Unix epoch.
    pub created_ms: u64,
}

/// Reads {1: number, 2: public, 3: private}.
pub fn one_time_prekey(record: &[u8]) -> Result<Numbered<x25519::PrivateKey>, Refusal> {
    let read = RecordedKey::read(record)?;
    Ok(Numbered { id: read.id, key: key_pair(read.public, read.private)? })
}

/// Reads {1: number, 2: public, 3: private, 4: signature, 5: time}; `identity` must have signed.
pub fn signed_prekey(
    record: &[u8],
    identity: &x25519::PublicKey,
) -> Result<Dated<SignedPreKey>, Refusal> {
    let read = RecordedKey::read(record)?;
    let key = key_pair(read.public, read.private)?;
    let prekey = SignedPreKey { id: read.id, key, signature: verified(&read, identity)? };
    Ok(Dated { prekey, created_ms: read.created_ms })
}

/// Reads the same fields with Kyber keys; the public half must be the one inside the secret key,
/// whose hash must be right (signal.md §2.2).
pub fn kyber_prekey(
    record: &[u8],
    identity: &x25519::PublicKey,
) -> Result<Dated<KyberPreKey>, Refusal> {
    let read = RecordedKey::read(record)?;
    let public = decode_kyber(read.public)?;
    let secret = decode_kyber_secret(read.private)?;
    let key =
        kyber1024::DecapsulationKey::from_expanded(secret).map_err(|_| Refusal::HalvesDiffer)?;
    if key.public() != public {
        return Err(Refusal::HalvesDiffer);
    }
    let prekey = KyberPreKey { id: read.id, key, signature: verified(&read, identity)? };
    Ok(Dated { prekey, created_ms: read.created_ms })
}

/// Whether a secret key opens what its public half closes.
///
/// The hash inside it covers the public half alone.
pub(super) fn opens_its_own(
    key: &kyber1024::DecapsulationKey,
    random: &mut dyn Random,
) -> Result<bool, Error> {
    let (ciphertext, shared) = kyber1024::encapsulate(&key.public(), random)?;
    Ok(key.decapsulate(&ciphertext).ct_eq(&shared))
}

/// The signature over the encoded public half.
fn verified(
    read: &RecordedKey<'_>,
    identity: &x25519::PublicKey,
) -> Result<[u8; SIGNATURE_LEN], Refusal> {
    let signature = read.signature.try_into().map_err(|_| Refusal::BadSignature)?;
    xeddsa::verify(identity, &[read.public], &signature)?;
    Ok(signature)
}
