// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plaintexts of vodozemac's pickles (olm_megolm.md §3): JSON, with bytes as arrays of numbers.
//!
//! Fields that are not known are skipped; [`Error::Malformed`] if one is missing, stands twice or is
//! of another type, [`Error::UnsupportedVersion`] for sessions of another configuration than V1.

use e2ee_primitives::{
    Secret,
    ed25519::{PrivateHalf, PublicKey, SigningKey},
    secret::SecretBytes,
    x25519,
};
use e2ee_ratchet::{JumpRatchet, Rewinder};
use e2ee_wire::Error;

use super::once;
use crate::{
    json::{Json, write_bytes, write_number},
    megolm::{
        InboundGroupSession, OutboundGroupSession, Provenance, Ratchet, ratchet::RATCHET_LEN,
    },
};

mod account;
mod olm;

pub use account::{account, write_account};
pub use olm::{session, write_session};

/// Bytes that a key of 32 bytes takes at the most.
const KEY_CAPACITY: usize = 32 * 4 + 2;
/// Bytes that the names around a group session take at the most, with a key.
const GROUP_CAPACITY: usize = 512 + (128 + 64) * 4;

/// An outbound group session.
pub fn outbound(plain: &[u8]) -> Result<OutboundGroupSession, Error> {
    let (mut ratchet, mut signing, mut config) = (None, None, None);
    whole(plain, |json, name| match name {
        "ratchet" => once(&mut ratchet, read_ratchet(json)?),
        "signing_key" => once(&mut signing, signing_key(json)?),
        "config" => once(&mut config, version(json)?),
        _ => json.skip(),
    })?;
    config.ok_or(Error::Malformed)?;
    let ratchet = ratchet.ok_or(Error::Malformed)?;
    Ok(OutboundGroupSession { ratchet, signing: signing.ok_or(Error::Malformed)? })
}

/// The plaintext of an outbound group session's pickle.
#[must_use]
pub fn write_outbound(session: &OutboundGroupSession) -> SecretBytes {
    let mut out = Vec::with_capacity(GROUP_CAPACITY);
    out.extend_from_slice(b"{\"ratchet\":");
    write_ratchet(&mut out, &session.ratchet);
    out.extend_from_slice(b",\"signing_key\":");
    write_signing_key(&mut out, &session.signing);
    out.extend_from_slice(b",\"config\":{\"version\":\"V1\"}}");
    SecretBytes::new(out)
}

/// An inbound group session.
pub fn inbound(plain: &[u8]) -> Result<InboundGroupSession, Error> {
    let (mut ratchet, mut key, mut verified, mut config) = (None, None, None, None);
    whole(plain, |json, name| match name {
        "initial_ratchet" => once(&mut ratchet, read_ratchet(json)?),
        "signing_key" => once(&mut key, PublicKey::new(*json.bytes()?.expose())),
        "signing_key_verified" => once(&mut verified, json.flag()?),
        "config" => once(&mut config, version(json)?),
        _ => json.skip(),
    })?;
    config.ok_or(Error::Malformed)?;
    let (first, key) = ratchet.zip(key).ok_or(Error::Malformed)?;
    let verified = verified.ok_or(Error::Malformed)?;
    let provenance = if verified { Provenance::Signed } else { Provenance::Exported };
    Ok(InboundGroupSession::from_parts(key, Rewinder::new(first), provenance))
}

/// The plaintext of an inbound group session's pickle.
#[must_use]
pub fn write_inbound(session: &InboundGroupSession) -> SecretBytes {
    let mut out = Vec::with_capacity(GROUP_CAPACITY);
    out.extend_from_slice(b"{\"initial_ratchet\":");
    write_ratchet(&mut out, session.rewinder().earliest());
    out.extend_from_slice(b",\"signing_key\":");
    write_bytes(&mut out, session.session_id());
    out.extend_from_slice(b",\"signing_key_verified\":");
    out.extend_from_slice(match session.provenance() {
        Provenance::Signed => &b"true"[..],
        Provenance::Exported => b"false",
    });
    out.extend_from_slice(b",\"config\":{\"version\":\"V1\"}}");
    SecretBytes::new(out)
}

/// Reads an object that is all of the plaintext.
fn whole(
    plain: &[u8],
    field: impl FnMut(&mut Json<'_>, &str) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut json = Json::new(plain);
    json.object(field)?;
    json.finish()
}

fn read_ratchet(json: &mut Json<'_>) -> Result<Ratchet, Error> {
    let (mut parts, mut index) = (None, None);
    json.object(|json, name| match name {
        "inner" => once(&mut parts, json.bytes()?),
        "counter" => once(&mut index, json.index()?),
        _ => json.skip(),
    })?;
    let (parts, index) = parts.zip(index).ok_or(Error::Malformed)?;
    Ok(Ratchet::new(&parts, index))
}

fn write_ratchet(out: &mut Vec<u8>, ratchet: &Ratchet) {
    let mut parts = Vec::with_capacity(RATCHET_LEN);
    ratchet.encode(&mut parts);
    let parts = SecretBytes::new(parts);
    out.extend_from_slice(b"{\"inner\":");
    write_bytes(out, parts.expose());
    out.extend_from_slice(b",\"counter\":");
    write_number(out, u64::from(ratchet.index()));
    out.push(b'}');
}

fn signing_key(json: &mut Json<'_>) -> Result<SigningKey, Error> {
    let mut key = None;
    json.object(|json, name| match name {
        "Normal" => once(&mut key, SigningKey::from_seed(json.bytes()?)),
        "Expanded" => once(&mut key, SigningKey::from_expanded(json.bytes()?)?),
        _ => Err(Error::Malformed),
    })?;
    key.ok_or(Error::Malformed)
}

fn write_signing_key(out: &mut Vec<u8>, key: &SigningKey) {
    match key.expose() {
        PrivateHalf::Seed(seed) => {
            out.extend_from_slice(b"{\"Normal\":");
            write_bytes(out, seed);
        }
        PrivateHalf::Expanded(expanded) => {
            out.extend_from_slice(b"{\"Expanded\":");
            write_bytes(out, expanded);
        }
    }
    out.push(b'}');
}

fn version(json: &mut Json<'_>) -> Result<(), Error> {
    let mut version = None;
    json.object(|json, name| match name {
        "version" => once(&mut version, json.string()? == "V1"),
        _ => json.skip(),
    })?;
    if version.ok_or(Error::Malformed)? { Ok(()) } else { Err(Error::UnsupportedVersion) }
}

fn public_key(json: &mut Json<'_>) -> Result<x25519::PublicKey, Error> {
    json.bytes().map(|bytes: Secret<32>| x25519::PublicKey::new(*bytes.expose()))
}

fn private_key(json: &mut Json<'_>) -> Result<x25519::PrivateKey, Error> {
    json.bytes().map(|bytes: Secret<32>| x25519::PrivateKey::from_bytes(bytes.expose()))
}
