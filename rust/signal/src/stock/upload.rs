// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a device uploads to the server that hands out its bundles, and when (signal.md §3; X3DH
//! §3.2, "Publishing keys"; PQXDH §3.2).

use e2ee_primitives::{kyber1024, random::Random, x25519};
use e2ee_wire::Error;

use crate::{
    address::DeviceId,
    bundle::NumberedKey,
    prekeys::{KyberPreKey, SIGNATURE_LEN, SignedPreKey},
    session::OurIdentity,
};

use super::{LastResort, MAX_REUSES, PreKeyStock, pool::Numbered};

/// One-time keys of a kind below which more are made.
pub const LOW_WATER_MARK: usize = 10;
/// One-time keys of a kind that a server has after an upload.
pub const TARGET: usize = 100;
/// Uses of a last-resort key after which it is replaced before its time.
const MANY_REUSES: usize = MAX_REUSES / 2;

/// The public halves to upload. Signed prekey and last-resort key replace those before; the
/// one-time keys come to those that the server has.
#[derive(Debug, PartialEq, Eq)]
pub struct PreKeyUpload {
    /// The device's registration id.
    pub registration_id: u32,
    /// The device's number.
    pub device: DeviceId,
    /// The account's identity key.
    pub identity_key: x25519::PublicKey,
    /// The signed prekey.
    pub signed: NumberedKey,
    /// The identity's signature over it.
    pub signed_signature: [u8; SIGNATURE_LEN],
    /// The Kyber prekey for when the others are used up.
    pub last_resort: PublicKyberKey,
    /// New one-time keys.
    pub one_time: Vec<NumberedKey>,
    /// New one-time Kyber keys.
    pub one_time_kyber: Vec<PublicKyberKey>,
    /// Numbers, of whatever kind, whose private halves are deleted by now: bundles with them start
    /// no session any more.
    pub gone: Vec<u32>,
}

/// A public Kyber prekey under the identity's signature.
#[derive(Debug, PartialEq, Eq)]
pub struct PublicKyberKey {
    /// Its number.
    pub id: u32,
    /// The key.
    pub key: kyber1024::PublicKey,
    /// The identity's signature over the 1569 encoded bytes.
    pub signature: [u8; SIGNATURE_LEN],
}

/// How many one-time keys the server says it still has; `None`: count those that we know unused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remaining {
    /// Elliptic-curve keys.
    pub one_time: Option<usize>,
    /// Kyber keys.
    pub kyber: Option<usize>,
}

/// Private keys that were made, before the stock keeps them.
struct Fresh {
    signed: Option<SignedPreKey>,
    last_resort: Option<LastResort>,
    one_time: Vec<Numbered<x25519::PrivateKey>>,
    kyber: Vec<KyberPreKey>,
    next_id: u32,
}

impl PreKeyStock {
    /// All that a server needs which has nothing of this device. The one-time keys are new: keys
    /// that a server once had may be on their way in someone's first message.
    pub fn upload(
        &mut self,
        (ours, device): (OurIdentity<'_>, DeviceId),
        now_ms: u64,
        random: &mut dyn Random,
    ) -> Result<PreKeyUpload, Error> {
        let nothing = Remaining { one_time: Some(0), kyber: Some(0) };
        let fresh = self.fresh(ours.key, nothing, now_ms, random)?;
        Ok(self.keep((ours, device), fresh, now_ms))
    }

    /// Replaces signed prekey and last-resort key if it is time, makes one-time keys if few are
    /// left, and deletes what has expired; `None` if there was nothing to do. An error has changed
    /// nothing.
    pub fn refresh(
        &mut self,
        (ours, device): (OurIdentity<'_>, DeviceId),
        remaining: Remaining,
        now_ms: u64,
        random: &mut dyn Random,
    ) -> Result<Option<PreKeyUpload>, Error> {
        let fresh = self.fresh(ours.key, remaining, now_ms, random)?;
        let nothing_new = fresh.next_id == self.next_id;
        let upload = self.keep((ours, device), fresh, now_ms);
        Ok(if nothing_new && upload.gone.is_empty() { None } else { Some(upload) })
    }

    fn fresh(
        &self,
        identity: &x25519::PrivateKey,
        remaining: Remaining,
        now_ms: u64,
        random: &mut dyn Random,
    ) -> Result<Fresh, Error> {
        let mut ids = self.ids();
        let signed = if self.signed.is_due(now_ms) {
            Some(SignedPreKey::generate(ids.take()?, identity, random)?)
        } else {
            None
        };
        let last_resort = if self.last_resort.is_due(now_ms) || self.is_worn() {
            Some(LastResort::generate(ids.take()?, identity, random)?)
        } else {
            None
        };
        let mut one_time = Vec::new();
        for _ in 0..missing(remaining.one_time, self.one_time.offered.len()) {
            let key = x25519::PrivateKey::random(random)?;
            one_time.push(Numbered { id: ids.take()?, key });
        }
        let mut kyber = Vec::new();
        for _ in 0..missing(remaining.kyber, self.one_time_kyber.offered.len()) {
            kyber.push(KyberPreKey::generate(ids.take()?, identity, random)?);
        }
        Ok(Fresh { signed, last_resort, one_time, kyber, next_id: ids.next })
    }

    /// Whether so many sessions used the last-resort key that it soon takes no more.
    fn is_worn(&self) -> bool {
        self.last_resort.current.reuses.len() >= MANY_REUSES
    }

    fn keep(
        &mut self,
        (ours, device): (OurIdentity<'_>, DeviceId),
        fresh: Fresh,
        now_ms: u64,
    ) -> PreKeyUpload {
        self.next_id = fresh.next_id;
        if let Some(signed) = fresh.signed {
            self.signed.rotate(signed, now_ms);
        }
        if let Some(last_resort) = fresh.last_resort {
            self.last_resort.rotate(last_resort, now_ms);
        }
        let mut gone = self.forget_expired(now_ms);
        let public = |each: &Numbered<x25519::PrivateKey>| NumberedKey {
            id: each.id,
            key: *each.key.public(),
        };
        let one_time = fresh.one_time.iter().map(public).collect();
        let one_time_kyber = fresh.kyber.iter().map(PublicKyberKey::of).collect();
        self.one_time.offer(fresh.one_time, &mut gone);
        // They may wait for long, and there are many.
        let kyber = fresh.kyber.into_iter().map(|KyberPreKey { id, mut key, .. }| {
            key.forget_expanded();
            Numbered { id, key }
        });
        self.one_time_kyber.offer(kyber.collect(), &mut gone);
        let signed = &self.signed.current;
        PreKeyUpload {
            registration_id: ours.registration_id,
            device,
            identity_key: *ours.key.public(),
            signed: NumberedKey { id: signed.id, key: *signed.key.public() },
            signed_signature: signed.signature,
            last_resort: PublicKyberKey::of(&self.last_resort.current.key),
            one_time,
            one_time_kyber,
            gone,
        }
    }
}

impl PublicKyberKey {
    fn of(private: &KyberPreKey) -> Self {
        Self { id: private.id, key: private.key.public(), signature: private.signature }
    }
}

/// How many keys of a kind to make.
fn missing(remaining: Option<usize>, unused: usize) -> usize {
    let remaining = remaining.unwrap_or(unused);
    if remaining < LOW_WATER_MARK { TARGET.saturating_sub(remaining) } else { 0 }
}
