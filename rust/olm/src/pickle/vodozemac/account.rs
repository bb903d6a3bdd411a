// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accounts as vodozemac pickles them (olm_megolm.md §3): one-time and fallback keys are numbered
//! apart, and a one-time key waits to be published as long as its public half stands there too.

use e2ee_primitives::secret::SecretBytes;
use e2ee_wire::Error;

use super::{KEY_CAPACITY, once, private_key, public_key, signing_key, whole, write_signing_key};
use crate::{
    account::Account,
    json::{Json, write_bytes, write_number},
    one_time_keys::{OneTimeKey, OneTimeKeys},
};

/// One-time keys that vodozemac keeps.
const MAX_KEYS: usize = 5_000;

/// An account; of more than 100 one-time keys, the newest.
pub fn account(plain: &[u8]) -> Result<Account, Error> {
    let (mut signing, mut identity, mut one_time, mut fallback) = (None, None, None, None);
    whole(plain, |json, name| match name {
        "signing_key" => once(&mut signing, signing_key(json)?),
        "diffie_hellman_key" => once(&mut identity, private_key(json)?),
        "one_time_keys" => once(&mut one_time, one_time_keys(json)?),
        "fallback_keys" => once(&mut fallback, fallback_keys(json)?),
        _ => json.skip(),
    })?;
    let (signing, identity) = signing.zip(identity).ok_or(Error::Malformed)?;
    let ((keys, next), (fallback, next_fallback)) =
        one_time.zip(fallback).ok_or(Error::Malformed)?;
    let numbers = keys.iter().chain(&fallback).map(|key| key.id.saturating_add(1));
    let next_id = numbers.fold(next.max(next_fallback), u64::max);
    Ok(Account::assemble(signing, identity, OneTimeKeys::assemble(keys, fallback, next_id)?))
}

/// The plaintext of an account's pickle.
#[must_use]
pub fn write_account(account: &Account) -> SecretBytes {
    let keys = account.one_time_keys();
    let each = 2 * KEY_CAPACITY + 64;
    let mut out = Vec::with_capacity(keys.kept().len().saturating_add(6).saturating_mul(each));
    out.extend_from_slice(b"{\"signing_key\":");
    write_signing_key(&mut out, &account.signing);
    out.extend_from_slice(b",\"diffie_hellman_key\":");
    write_bytes(&mut out, account.identity.expose());
    out.extend_from_slice(b",\"one_time_keys\":{\"next_key_id\":");
    write_number(&mut out, keys.next_id());
    out.extend_from_slice(b",\"public_keys\":{");
    let unpublished = keys.kept().iter().filter(|key| !key.published);
    write_map(&mut out, unpublished, |key| key.key.public().as_bytes());
    out.extend_from_slice(b"},\"private_keys\":{");
    write_map(&mut out, keys.kept().iter(), |key| key.key.expose());
    out.extend_from_slice(b"}},\"fallback_keys\":{\"key_id\":");
    write_number(&mut out, keys.next_id());
    let mut fallback = keys.kept_fallback();
    for name in [&b",\"fallback_key\":"[..], b",\"previous_fallback_key\":"] {
        out.extend_from_slice(name);
        write_fallback(&mut out, fallback.next());
    }
    out.extend_from_slice(b"}}");
    SecretBytes::new(out)
}

fn one_time_keys(json: &mut Json<'_>) -> Result<(Vec<OneTimeKey>, u64), Error> {
    let (mut next, mut public, mut private) = (None, None, None);
    json.object(|json, name| match name {
        "next_key_id" => once(&mut next, json.number()?),
        "public_keys" => once(&mut public, numbered(json, public_key)?),
        "private_keys" => once(&mut private, numbered(json, private_key)?),
        _ => json.skip(),
    })?;
    let next = next.ok_or(Error::Malformed)?;
    let (public, private) = public.zip(private).ok_or(Error::Malformed)?;
    let mut keys = Vec::with_capacity(private.len());
    for (id, key) in private {
        let waiting = public.iter().find(|(other, _)| *other == id).map(|(_, public)| public);
        if waiting.is_some_and(|public| public != key.public()) {
            return Err(Error::Malformed);
        }
        keys.push(OneTimeKey { id, key, published: waiting.is_none() });
    }
    Ok((keys, next))
}

fn fallback_keys(json: &mut Json<'_>) -> Result<(Vec<OneTimeKey>, u64), Error> {
    let (mut next, mut current, mut previous) = (None, None, None);
    json.object(|json, name| match name {
        "key_id" => once(&mut next, json.number()?),
        "fallback_key" => once(&mut current, fallback_key(json)?),
        "previous_fallback_key" => once(&mut previous, fallback_key(json)?),
        _ => json.skip(),
    })?;
    let (current, previous) = current.zip(previous).ok_or(Error::Malformed)?;
    let keys = [current, previous].into_iter().flatten().collect();
    Ok((keys, next.ok_or(Error::Malformed)?))
}

fn fallback_key(json: &mut Json<'_>) -> Result<Option<OneTimeKey>, Error> {
    if json.null() {
        return Ok(None);
    }
    let (mut id, mut key, mut published) = (None, None, None);
    json.object(|json, name| match name {
        "key_id" => once(&mut id, json.number()?),
        "key" => once(&mut key, private_key(json)?),
        "published" => once(&mut published, json.flag()?),
        _ => json.skip(),
    })?;
    let (id, key) = id.zip(key).ok_or(Error::Malformed)?;
    Ok(Some(OneTimeKey { id, key, published: published.ok_or(Error::Malformed)? }))
}

/// An object from numbers, as strings, to keys.
fn numbered<T>(
    json: &mut Json<'_>,
    mut key: impl FnMut(&mut Json<'_>) -> Result<T, Error>,
) -> Result<Vec<(u64, T)>, Error> {
    let mut keys = Vec::new();
    json.object(|json, name| {
        if keys.len() >= MAX_KEYS {
            return Err(Error::Malformed);
        }
        let mut number = Json::new(name.as_bytes());
        let id = number.number()?;
        number.finish()?;
        keys.push((id, key(json)?));
        Ok(())
    })?;
    Ok(keys)
}

fn write_map<'a>(
    out: &mut Vec<u8>,
    keys: impl Iterator<Item = &'a OneTimeKey>,
    half: impl Fn(&'a OneTimeKey) -> &'a [u8; 32],
) {
    for (place, key) in keys.enumerate() {
        out.extend_from_slice(if place == 0 { b"\"" } else { b",\"" });
        write_number(out, key.id);
        out.extend_from_slice(b"\":");
        write_bytes(out, half(key));
    }
}

fn write_fallback(out: &mut Vec<u8>, key: Option<&OneTimeKey>) {
    let Some(OneTimeKey { id, key, published }) = key else {
        out.extend_from_slice(b"null");
        return;
    };
    out.extend_from_slice(b"{\"key_id\":");
    write_number(out, *id);
    out.extend_from_slice(b",\"key\":");
    write_bytes(out, key.expose());
    out.extend_from_slice(if *published {
        b",\"published\":true}"
    } else {
        b",\"published\":false}"
    });
}
