// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plaintexts of libolm's pickles (olm_megolm.md §3): integers are big-endian and take four
//! bytes, flags take one, a list stands behind its length.
//!
//! Of each kind the version is read that libolm 3.2 writes, and what its newest release still reads
//! of older ones; [`Error::UnsupportedVersion`] for others, [`Error::Malformed`] for what libolm does
//! not write.

use e2ee_primitives::{
    Secret,
    ed25519::{PublicKey, SigningKey},
    secret::SecretBytes,
    x25519,
};
use e2ee_ratchet::{Chain, Contents, JumpRatchet, ReceivingContents, Rewinder};
use e2ee_wire::{Error, Reader, record::write_length};

use super::{
    key_pair,
    session::{self, Identities, PEER_SEEDS},
};
use crate::{
    account::Account,
    keys::SessionKeys,
    limits::MAX_RECEIVING_CHAINS,
    megolm::{InboundGroupSession, OutboundGroupSession, Provenance, Ratchet},
    one_time_keys::{OneTimeKey, OneTimeKeys},
    session::Session,
};

const ACCOUNT: u32 = 4;
/// With two places for fallback keys, filled or not.
const ACCOUNT_OF_PLACES: u32 = 3;
const ACCOUNT_WITHOUT_FALLBACK: u32 = 2;
const SESSION: u32 = 1;
const INBOUND: u32 = 2;
/// Without a flag: no other than signed keys of rooms were taken then.
const INBOUND_SIGNED: u32 = 1;
const OUTBOUND: u32 = 1;
const DECRYPTION: u32 = 1;
/// One-time keys that libolm keeps.
const MAX_KEYS: usize = 100;
/// Number, whether it is published, public and private half.
const KEY_LEN: usize = 69;

/// An account; also of version 3, and of version 2, which is from before fallback keys.
///
/// [`Error::UnsupportedVersion`] for version 1 too, which libolm itself refuses: it held 32 bytes
/// of the private signing key alone, and libolm calls the keys that were used so compromised.
pub fn account(plain: &[u8]) -> Result<Account, Error> {
    let mut reader = Reader::new(plain);
    let version = number(&mut reader)?;
    if !(ACCOUNT_WITHOUT_FALLBACK..=ACCOUNT).contains(&version) {
        return Err(Error::UnsupportedVersion);
    }
    let signing = signing_key(&mut reader)?;
    let public = x25519::PublicKey::new(*reader.array()?);
    let identity = key_pair(reader.array()?, &public)?;
    let count = length(&mut reader, MAX_KEYS)?;
    let one_time = many(count, || one_time_key(&mut reader))?;
    let fallback = match version {
        ACCOUNT_WITHOUT_FALLBACK => Vec::new(),
        ACCOUNT_OF_PLACES => {
            let places = [fallback_place(&mut reader)?, fallback_place(&mut reader)?];
            // Without a current key there is none before it.
            places.into_iter().map_while(|place| place).collect()
        }
        _ => {
            let count = usize::from(reader.byte()?).min(3);
            many(count, || one_time_key(&mut reader))?
        }
    };
    let next_id = u64::from(number(&mut reader)?).saturating_add(1);
    reader.finish()?;
    Ok(Account::assemble(signing, identity, OneTimeKeys::assemble(one_time, fallback, next_id)?))
}

/// The plaintext of an account's pickle, whose signing key is written expanded.
///
/// [`Error::InvalidArgument`] if a key has a number of more than 32 bits.
pub fn write_account(account: &Account) -> Result<SecretBytes, Error> {
    let keys = account.one_time_keys();
    let mut out = Writer::new(ACCOUNT, 256 + keys.kept().len().saturating_add(2) * KEY_LEN);
    out.bytes(account.signing_key().as_bytes());
    out.bytes(account.signing.expanded().expose());
    out.pair(&account.identity);
    write_length(&mut out.0, keys.kept().len());
    for key in keys.kept().iter().rev() {
        out.one_time_key(key)?;
    }
    out.0.push(u8::try_from(keys.kept_fallback().count()).map_err(|_| Error::InvalidArgument)?);
    keys.kept_fallback().try_for_each(|key| out.one_time_key(key))?;
    out.number(
        u32::try_from(keys.next_id().saturating_sub(1)).map_err(|_| Error::InvalidArgument)?,
    );
    Ok(out.finish())
}

/// A session of the two `identities`; `None` if they are not known, as its own library takes it.
pub fn session<'a>(
    plain: &[u8],
    identities: impl Into<Option<&'a Identities>>,
) -> Result<Session, Error> {
    let mut reader = versioned(plain, SESSION)?;
    let received = flag(&mut reader)?;
    let mut key = || Ok(x25519::PublicKey::new(*reader.array()?));
    let keys = SessionKeys { identity_key: key()?, base_key: key()?, one_time_key: key()? };
    let root = Secret::new(*reader.array()?);
    let sending = if length(&mut reader, 1)? == 0 {
        None
    } else {
        let public = x25519::PublicKey::new(*reader.array()?);
        Some((key_pair(reader.array()?, &public)?, chain(&mut reader)?))
    };
    let count = length(&mut reader, MAX_RECEIVING_CHAINS)?;
    let mut receiving = many(count, || {
        let their_key = x25519::PublicKey::new(*reader.array()?);
        let skipped = Vec::with_capacity(PEER_SEEDS);
        Ok(ReceivingContents { their_key, chain: chain(&mut reader)?, skipped })
    })?;
    receiving.reverse();
    let seeds = length(&mut reader, PEER_SEEDS)?;
    many(seeds, || skipped_seed(&mut reader, &mut receiving))?;
    reader.finish()?;
    for chain in &mut receiving {
        chain.skipped.sort_unstable_by_key(|(index, _)| *index);
    }
    session::assemble(keys, received, Contents { root, sending, receiving }, identities.into())
}

/// The plaintext of a session's pickle; of the seeds of late messages, the newest 40.
#[must_use]
pub fn write_session(session: &Session) -> SecretBytes {
    let contents = session.ratchet.contents();
    let mut out = Writer::new(SESSION, 1_024 + PEER_SEEDS * 68);
    out.0.push(u8::from(session.has_received()));
    let SessionKeys { identity_key, base_key, one_time_key } = session.keys();
    for key in [identity_key, base_key, one_time_key] {
        out.bytes(key.as_bytes());
    }
    out.bytes(contents.root.expose());
    write_length(&mut out.0, contents.sending.iter().count());
    if let Some((key, chain)) = &contents.sending {
        out.pair(key);
        out.chain(chain);
    }
    write_length(&mut out.0, contents.receiving.len());
    for receiving in contents.receiving.iter().rev() {
        out.bytes(receiving.their_key.as_bytes());
        out.chain(&receiving.chain);
    }
    let newest_first = contents.receiving.iter().rev().flat_map(|receiving| {
        receiving.skipped.iter().rev().map(|seed| (&receiving.their_key, seed))
    });
    let seeds: Vec<_> = newest_first.take(PEER_SEEDS).collect();
    write_length(&mut out.0, seeds.len());
    for (their_key, (index, seed)) in seeds {
        out.bytes(their_key.as_bytes());
        out.bytes(seed.expose());
        out.number(*index);
    }
    out.finish()
}

/// An outbound group session.
pub fn outbound(plain: &[u8]) -> Result<OutboundGroupSession, Error> {
    let mut reader = versioned(plain, OUTBOUND)?;
    let ratchet = ratchet(&mut reader)?;
    let signing = signing_key(&mut reader)?;
    reader.finish()?;
    Ok(OutboundGroupSession { ratchet, signing })
}

/// The plaintext of an outbound group session's pickle.
#[must_use]
pub fn write_outbound(session: &OutboundGroupSession) -> SecretBytes {
    let mut out = Writer::new(OUTBOUND, 256);
    out.ratchet(&session.ratchet);
    out.bytes(session.session_id());
    out.bytes(session.signing.expanded().expose());
    out.finish()
}

/// An inbound group session, also of version 1. Its latest ratchet is not read: the first one leads
/// to it.
pub fn inbound(plain: &[u8]) -> Result<InboundGroupSession, Error> {
    let mut reader = Reader::new(plain);
    let version = number(&mut reader)?;
    if version != INBOUND && version != INBOUND_SIGNED {
        return Err(Error::UnsupportedVersion);
    }
    let first = ratchet(&mut reader)?;
    if ratchet(&mut reader)?.index() < first.index() {
        return Err(Error::Malformed);
    }
    let key = PublicKey::new(*reader.array()?);
    let signed = version == INBOUND_SIGNED || flag(&mut reader)?;
    let provenance = if signed { Provenance::Signed } else { Provenance::Exported };
    reader.finish()?;
    Ok(InboundGroupSession::from_parts(key, Rewinder::new(first), provenance))
}

/// The plaintext of an inbound group session's pickle.
#[must_use]
pub fn write_inbound(session: &InboundGroupSession) -> SecretBytes {
    let mut out = Writer::new(INBOUND, 512);
    out.ratchet(session.rewinder().earliest());
    out.ratchet(session.rewinder().latest());
    out.bytes(session.session_id());
    out.0.push(u8::from(session.provenance() == Provenance::Signed));
    out.finish()
}

/// The private key that a backup is encrypted to.
pub fn decryption(plain: &[u8]) -> Result<x25519::PrivateKey, Error> {
    let mut reader = versioned(plain, DECRYPTION)?;
    let public = x25519::PublicKey::new(*reader.array()?);
    let key = key_pair(reader.array()?, &public)?;
    reader.finish()?;
    Ok(key)
}

/// The plaintext of the pickle of a key that a backup is encrypted to.
#[must_use]
pub fn write_decryption(key: &x25519::PrivateKey) -> SecretBytes {
    let mut out = Writer::new(DECRYPTION, 128);
    out.pair(key);
    out.finish()
}

fn versioned(plain: &[u8], expected: u32) -> Result<Reader<'_>, Error> {
    let mut reader = Reader::new(plain);
    if number(&mut reader)? == expected { Ok(reader) } else { Err(Error::UnsupportedVersion) }
}

fn number(reader: &mut Reader<'_>) -> Result<u32, Error> {
    reader.array().map(|bytes| u32::from_be_bytes(*bytes))
}

fn length(reader: &mut Reader<'_>, limit: usize) -> Result<usize, Error> {
    let length = usize::try_from(number(reader)?).map_err(|_| Error::Malformed)?;
    if length <= limit { Ok(length) } else { Err(Error::Malformed) }
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, Error> {
    match reader.byte()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::Malformed),
    }
}

/// A list of one size from the start: one that grows leaves copies of its keys behind.
fn many<T>(count: usize, mut item: impl FnMut() -> Result<T, Error>) -> Result<Vec<T>, Error> {
    let mut items = Vec::with_capacity(count);
    for _ in 0..count {
        items.push(item()?);
    }
    Ok(items)
}

fn ratchet(reader: &mut Reader<'_>) -> Result<Ratchet, Error> {
    let parts = Secret::new(*reader.array()?);
    Ok(Ratchet::new(&parts, number(reader)?))
}

fn chain(reader: &mut Reader<'_>) -> Result<Chain, Error> {
    let key = Secret::new(*reader.array()?);
    Ok(Chain::new(key, number(reader)?))
}

fn signing_key(reader: &mut Reader<'_>) -> Result<SigningKey, Error> {
    let public = PublicKey::new(*reader.array()?);
    let key = SigningKey::from_expanded(Secret::new(*reader.array()?))?;
    if *key.public() == public { Ok(key) } else { Err(Error::Malformed) }
}

fn one_time_key(reader: &mut Reader<'_>) -> Result<OneTimeKey, Error> {
    let id = u64::from(number(reader)?);
    let published = flag(reader)?;
    let public = x25519::PublicKey::new(*reader.array()?);
    Ok(OneTimeKey { id, key: key_pair(reader.array()?, &public)?, published })
}

/// A place of version 3: the flag of publication says whether a key is there, and one that is counts
/// as published. What else lies in an empty place is nothing.
fn fallback_place(reader: &mut Reader<'_>) -> Result<Option<OneTimeKey>, Error> {
    let place = reader.take(KEY_LEN)?;
    let mut head = Reader::new(place);
    number(&mut head)?;
    if flag(&mut head)? { one_time_key(&mut Reader::new(place)).map(Some) } else { Ok(None) }
}

/// Gives a seed to the chain that it belongs to; if that gave way, it cannot be used any more.
fn skipped_seed(reader: &mut Reader<'_>, receiving: &mut [ReceivingContents]) -> Result<(), Error> {
    let their_key = x25519::PublicKey::new(*reader.array()?);
    let seed = Secret::new(*reader.array()?);
    let index = number(reader)?;
    if let Some(chain) = receiving.iter_mut().find(|chain| chain.their_key == their_key) {
        chain.skipped.push((index, seed));
    }
    Ok(())
}

/// A plaintext of one size from the start: a vector that grows leaves copies of keys behind.
struct Writer(Vec<u8>);

impl Writer {
    fn new(version: u32, capacity: usize) -> Self {
        let mut out = Vec::with_capacity(capacity);
        out.extend_from_slice(&version.to_be_bytes());
        Self(out)
    }

    fn number(&mut self, number: u32) {
        self.bytes(&number.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn pair(&mut self, key: &x25519::PrivateKey) {
        self.bytes(key.public().as_bytes());
        self.bytes(key.expose());
    }

    fn ratchet(&mut self, ratchet: &Ratchet) {
        ratchet.encode(&mut self.0);
        self.number(ratchet.index());
    }

    fn chain(&mut self, chain: &Chain) {
        self.bytes(chain.key().expose());
        self.number(chain.index());
    }

    fn one_time_key(&mut self, key: &OneTimeKey) -> Result<(), Error> {
        self.number(u32::try_from(key.id).map_err(|_| Error::InvalidArgument)?);
        self.0.push(u8::from(key.published));
        self.pair(&key.key);
        Ok(())
    }

    fn finish(self) -> SecretBytes {
        SecretBytes::new(self.0)
    }
}
