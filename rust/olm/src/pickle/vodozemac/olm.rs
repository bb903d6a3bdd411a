// SPDX-License-Identifier: MIT OR Apache-2.0
//! Olm sessions as vodozemac pickles them (olm_megolm.md §3): the root key is a bare array while
//! the sending ratchet is active, and an object around one while it is not.

use e2ee_primitives::{Secret, secret::SecretBytes, x25519};
use e2ee_ratchet::{Chain, Contents, ReceivingContents};
use e2ee_wire::Error;

use super::{
    super::session::{self, Identities, PEER_SEEDS},
    KEY_CAPACITY, once, private_key, public_key, version, whole,
};
use crate::{
    json::{Json, write_bytes, write_number},
    keys::SessionKeys,
    limits::MAX_RECEIVING_CHAINS,
    session::Session,
};

/// A session of the two `identities`; `None` if they are not known, as its own library takes it.
pub fn session<'a>(
    plain: &[u8],
    identities: impl Into<Option<&'a Identities>>,
) -> Result<Session, Error> {
    let (mut keys, mut sending, mut receiving, mut config) = (None, None, None, None);
    whole(plain, |json, name| match name {
        "session_keys" => once(&mut keys, session_keys(json)?),
        "sending_ratchet" => once(&mut sending, sending_ratchet(json)?),
        "receiving_chains" => once(&mut receiving, receiving_chains(json)?),
        "config" => once(&mut config, version(json)?),
        _ => json.skip(),
    })?;
    config.ok_or(Error::Malformed)?;
    let (keys, receiving) = keys.zip(receiving).ok_or(Error::Malformed)?;
    let SendingRatchet { root, sending, their_key } = sending.ok_or(Error::Malformed)?;
    let newest = receiving.last().map(|newest: &ReceivingContents| newest.their_key);
    if their_key.is_some() && their_key != newest {
        return Err(Error::Malformed);
    }
    // A session that has opened nothing has no receiving chain.
    let received = newest.is_some();
    session::assemble(keys, received, Contents { root, sending, receiving }, identities.into())
}

/// The plaintext of a session's pickle; of the seeds of late messages, the newest 40 of each chain.
#[must_use]
pub fn write_session(session: &Session) -> SecretBytes {
    let contents = session.ratchet.contents();
    let seeds = contents.receiving.iter().map(|chain| chain.skipped.len().min(PEER_SEEDS));
    let keys = seeds.fold(7 + 3 * MAX_RECEIVING_CHAINS, usize::saturating_add);
    let mut out = Vec::with_capacity(keys.saturating_mul(KEY_CAPACITY + 64));
    let SessionKeys { identity_key, base_key, one_time_key } = session.keys();
    out.extend_from_slice(b"{\"session_keys\":{\"identity_key\":");
    write_bytes(&mut out, identity_key.as_bytes());
    out.extend_from_slice(b",\"base_key\":");
    write_bytes(&mut out, base_key.as_bytes());
    out.extend_from_slice(b",\"one_time_key\":");
    write_bytes(&mut out, one_time_key.as_bytes());
    out.extend_from_slice(b"},\"sending_ratchet\":");
    write_sending(&mut out, &contents);
    out.extend_from_slice(b",\"receiving_chains\":{\"inner\":[");
    for (place, chain) in contents.receiving.iter().enumerate() {
        out.extend_from_slice(if place == 0 { b"" } else { b"," });
        write_receiving(&mut out, chain);
    }
    out.extend_from_slice(b"]},\"config\":{\"version\":\"V1\"}}");
    SecretBytes::new(out)
}

fn session_keys(json: &mut Json<'_>) -> Result<SessionKeys, Error> {
    let (mut identity, mut base, mut one_time) = (None, None, None);
    json.object(|json, name| match name {
        "identity_key" => once(&mut identity, public_key(json)?),
        "base_key" => once(&mut base, public_key(json)?),
        "one_time_key" => once(&mut one_time, public_key(json)?),
        _ => json.skip(),
    })?;
    Ok(SessionKeys {
        identity_key: identity.ok_or(Error::Malformed)?,
        base_key: base.ok_or(Error::Malformed)?,
        one_time_key: one_time.ok_or(Error::Malformed)?,
    })
}

/// The sending side: with a chain, or with the peer's ratchet key that the next one answers.
struct SendingRatchet {
    root: Secret<32>,
    sending: Option<(x25519::PrivateKey, Chain)>,
    their_key: Option<x25519::PublicKey>,
}

fn sending_ratchet(json: &mut Json<'_>) -> Result<SendingRatchet, Error> {
    let (mut kind, mut active, mut symmetric) = (None, None, None);
    let (mut root, mut their_key) = (None, None);
    json.object(|json, name| match name {
        "type" => once(&mut kind, json.string()? == "active"),
        "active_ratchet" => once(&mut active, active_ratchet(json)?),
        "symmetric_key_ratchet" => once(&mut symmetric, chain(json)?),
        "root_key" => once(&mut root, root_key(json)?),
        "ratchet_key" => once(&mut their_key, public_key(json)?),
        _ => json.skip(),
    })?;
    if kind.ok_or(Error::Malformed)? {
        let ((root, key), chain) = active.zip(symmetric).ok_or(Error::Malformed)?;
        Ok(SendingRatchet { root, sending: Some((key, chain)), their_key: None })
    } else {
        let (root, their_key) = root.zip(their_key).ok_or(Error::Malformed)?;
        Ok(SendingRatchet { root, sending: None, their_key: Some(their_key) })
    }
}

fn active_ratchet(json: &mut Json<'_>) -> Result<(Secret<32>, x25519::PrivateKey), Error> {
    let (mut root, mut key) = (None, None);
    json.object(|json, name| match name {
        "root_key" => once(&mut root, root_key(json)?),
        "ratchet_key" => once(&mut key, private_key(json)?),
        _ => json.skip(),
    })?;
    root.zip(key).ok_or(Error::Malformed)
}

fn root_key(json: &mut Json<'_>) -> Result<Secret<32>, Error> {
    if json.peek() == Some(b'[') {
        return json.bytes();
    }
    let mut key = None;
    json.object(|json, name| match name {
        "key" => once(&mut key, json.bytes()?),
        _ => json.skip(),
    })?;
    key.ok_or(Error::Malformed)
}

fn chain(json: &mut Json<'_>) -> Result<Chain, Error> {
    indexed(json).map(|(index, key)| Chain::new(key, index))
}

fn indexed(json: &mut Json<'_>) -> Result<(u32, Secret<32>), Error> {
    let (mut key, mut index) = (None, None);
    json.object(|json, name| match name {
        "key" => once(&mut key, json.bytes()?),
        "index" => once(&mut index, json.index()?),
        _ => json.skip(),
    })?;
    index.zip(key).ok_or(Error::Malformed)
}

/// An object with a list of at most `limit`.
fn inner<T>(
    json: &mut Json<'_>,
    limit: usize,
    mut item: impl FnMut(&mut Json<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut list = None;
    json.object(|json, name| match name {
        "inner" => {
            // Of one size from the start: a list that grows leaves copies of its keys behind.
            let mut items = Vec::with_capacity(limit);
            json.array(|json| {
                if items.len() == limit {
                    return Err(Error::Malformed);
                }
                items.push(item(json)?);
                Ok(())
            })?;
            once(&mut list, items)
        }
        _ => json.skip(),
    })?;
    list.ok_or(Error::Malformed)
}

fn receiving_chains(json: &mut Json<'_>) -> Result<Vec<ReceivingContents>, Error> {
    inner(json, MAX_RECEIVING_CHAINS, |json| {
        let (mut their_key, mut state, mut seeds) = (None, None, None);
        json.object(|json, name| match name {
            "ratchet_key" => once(&mut their_key, public_key(json)?),
            "hkdf_ratchet" => once(&mut state, chain(json)?),
            "skipped_message_keys" => once(&mut seeds, inner(json, PEER_SEEDS, indexed)?),
            _ => json.skip(),
        })?;
        let (their_key, chain) = their_key.zip(state).ok_or(Error::Malformed)?;
        Ok(ReceivingContents { their_key, chain, skipped: seeds.ok_or(Error::Malformed)? })
    })
}

fn write_sending(out: &mut Vec<u8>, contents: &Contents) {
    if let Some((key, chain)) = &contents.sending {
        out.extend_from_slice(b"{\"type\":\"active\",\"active_ratchet\":{\"root_key\":");
        write_bytes(out, contents.root.expose());
        out.extend_from_slice(b",\"ratchet_key\":");
        write_bytes(out, key.expose());
        out.extend_from_slice(b"},\"symmetric_key_ratchet\":");
        write_indexed(out, chain.index(), chain.key());
    } else {
        out.extend_from_slice(b"{\"type\":\"inactive\",\"root_key\":{\"key\":");
        write_bytes(out, contents.root.expose());
        out.extend_from_slice(b"},\"ratchet_key\":");
        // Without a sending chain there is a receiving one.
        let their_key = contents.receiving.last().map(|newest| *newest.their_key.as_bytes());
        write_bytes(out, &their_key.unwrap_or_default());
    }
    out.push(b'}');
}

fn write_receiving(out: &mut Vec<u8>, contents: &ReceivingContents) {
    out.extend_from_slice(b"{\"ratchet_key\":");
    write_bytes(out, contents.their_key.as_bytes());
    out.extend_from_slice(b",\"hkdf_ratchet\":");
    write_indexed(out, contents.chain.index(), contents.chain.key());
    out.extend_from_slice(b",\"skipped_message_keys\":{\"inner\":[");
    for (place, (index, seed)) in session::newest(&contents.skipped, PEER_SEEDS).iter().enumerate()
    {
        out.extend_from_slice(if place == 0 { b"" } else { b"," });
        write_indexed(out, *index, seed);
    }
    out.extend_from_slice(b"]}}");
}

fn write_indexed(out: &mut Vec<u8>, index: u32, key: &Secret<32>) {
    out.extend_from_slice(b"{\"key\":");
    write_bytes(out, key.expose());
    out.extend_from_slice(b",\"index\":");
    write_number(out, u64::from(index));
    out.push(b'}');
}
