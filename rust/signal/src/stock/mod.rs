// SPDX-License-Identifier: MIT OR Apache-2.0
//! The private halves of the prekeys that this device has offered (signal.md §3 and §5.4,
//! "Prekey rules"): what opens first messages, what to give away, and when what is deleted.
//!
//! All keys share one row of numbers, which are never used twice. They end at [`MAX_ID`], the
//! largest that the servers' 24 bits hold: then nothing more can be offered
//! ([`Error::Exhausted`]), which 100 keys an hour reach after nineteen years.

mod import;
mod pool;
mod record;
mod renewal;
mod rotation;
mod state;
mod upload;

use e2ee_primitives::{kyber1024, random::Random, sha, x25519};
use e2ee_wire::Error;

use crate::{
    address::DeviceId,
    bundle::{NumberedKey, PreKeyBundle},
    prekey_message::Outer,
    prekeys::{KyberPreKey, SignedPreKey},
    session::{AcceptingKeys, OurIdentity},
};

use pool::Pool;
use rotation::Rotation;

pub use import::FormerPreKeys;
pub use pool::{MAX_OFFERED, MAX_RESERVED, Numbered};
pub use rotation::{KEPT_MS, MAX_RETIRED, ROTATION_MS};
pub use state::{PoolState, RotatedKey, StockState};
pub use upload::{LOW_WATER_MARK, PreKeyUpload, PublicKyberKey, Remaining, TARGET};

/// Sessions that may be started from one last-resort key.
pub const MAX_REUSES: usize = 10_000;
/// The largest number of a prekey.
pub const MAX_ID: u32 = 0x00ff_ffff;
/// Kyber keys of bundles that are kept expanded, the newest: a session that comes soon starts
/// without 35 of its 265 µs, and 3 KiB each are held for it.
const EXPANDED_KEPT: usize = 32;

/// All prekeys of a device.
#[derive(Debug)]
pub struct PreKeyStock {
    /// The number that the next prekey takes.
    next_id: u32,
    signed: Rotation<SignedPreKey>,
    last_resort: Rotation<LastResort>,
    one_time: Pool<x25519::PrivateKey>,
    one_time_kyber: Pool<kyber1024::DecapsulationKey>,
}

/// A Kyber prekey for sessions that got none of their own, and the digests of those sessions.
#[derive(Debug)]
struct LastResort {
    key: KyberPreKey,
    reuses: Vec<[u8; 16]>,
}

/// The stock at a time: what has expired by then is not in it.
#[derive(Clone, Copy, Debug)]
pub struct StockAt<'a> {
    stock: &'a PreKeyStock,
    now_ms: u64,
}

/// What a new session used of the stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedPreKeys {
    one_time_id: Option<u32>,
    kyber_id: u32,
    reuse: [u8; 16],
}

impl PreKeyStock {
    /// A stock with a fresh signed prekey and a fresh last-resort Kyber prekey, made at this time
    /// in milliseconds since the Unix epoch.
    pub fn generate(
        identity: &x25519::PrivateKey,
        now_ms: u64,
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        Self::generate_from(1, identity, now_ms, random)
    }

    fn generate_from(
        first_id: u32,
        identity: &x25519::PrivateKey,
        now_ms: u64,
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        let mut ids = Ids { next: first_id, held: Vec::new() };
        let signed = SignedPreKey::generate(ids.take()?, identity, random)?;
        let last_resort = LastResort::generate(ids.take()?, identity, random)?;
        Ok(Self {
            next_id: ids.next,
            signed: Rotation::new(signed, now_ms),
            last_resort: Rotation::new(last_resort, now_ms),
            one_time: Pool::empty(),
            one_time_kyber: Pool::empty(),
        })
    }

    /// A bundle for one session, with one-time keys that are kept until its first message.
    pub fn reserve(
        &mut self,
        ours: OurIdentity<'_>,
        device: DeviceId,
        random: &mut dyn Random,
    ) -> Result<PreKeyBundle, Error> {
        let mut ids = self.ids();
        let one_time = Numbered { id: ids.take()?, key: x25519::PrivateKey::random(random)? };
        let kyber = KyberPreKey::generate(ids.take()?, ours.key, random)?;
        let bundle = PreKeyBundle {
            one_time: Some(NumberedKey { id: one_time.id, key: *one_time.key.public() }),
            ..self.bundle(ours, device, &kyber)
        };
        self.next_id = ids.next;
        self.one_time.reserve(one_time);
        self.one_time_kyber.reserve(Numbered { id: kyber.id, key: kyber.key });
        if let Some(key) = self.one_time_kyber.behind(EXPANDED_KEPT) {
            key.forget_expanded();
        }
        Ok(bundle)
    }

    /// A bundle without one-time keys, for any number of sessions.
    #[must_use]
    pub fn reusable(&self, ours: OurIdentity<'_>, device: DeviceId) -> PreKeyBundle {
        self.bundle(ours, device, &self.last_resort.current.key)
    }

    fn bundle(&self, ours: OurIdentity<'_>, device: DeviceId, kyber: &KyberPreKey) -> PreKeyBundle {
        let signed = &self.signed.current;
        PreKeyBundle {
            registration_id: ours.registration_id,
            device,
            identity_key: *ours.key.public(),
            one_time: None,
            signed: NumberedKey { id: signed.id, key: *signed.key.public() },
            signed_signature: signed.signature,
            kyber_id: kyber.id,
            kyber_key: kyber.key.public(),
            kyber_signature: kyber.signature,
        }
    }

    /// The stock at this time, in milliseconds since the Unix epoch.
    #[must_use]
    pub const fn at(&self, now_ms: u64) -> StockAt<'_> {
        StockAt { stock: self, now_ms }
    }

    /// Deletes the one-time keys that a new session used, or remembers its use of the last-resort
    /// key (signal.md §5.4 step 7).
    pub fn consume(&mut self, used: &UsedPreKeys) {
        if let Some(id) = used.one_time_id {
            self.one_time.remove(id);
        }
        self.one_time_kyber.remove(used.kyber_id);
        let kyber_id = used.kyber_id;
        if let Some(key) = self.last_resort.iter_mut().find(|each| each.key.id == kyber_id) {
            key.reuses.push(used.reuse);
        }
    }

    /// Deletes what was replaced too long ago, and returns its numbers.
    pub fn forget_expired(&mut self, now_ms: u64) -> Vec<u32> {
        let mut gone = Vec::new();
        self.signed.forget_expired(now_ms, |signed| gone.push(signed.id));
        self.last_resort.forget_expired(now_ms, |last| gone.push(last.key.id));
        gone
    }

    /// Bundles that this device gave away itself, and that wait for their first message.
    #[must_use]
    pub fn reserved_len(&self) -> usize {
        self.one_time.reserved.len()
    }

    /// The numbers to come, without those of keys that another program numbered.
    fn ids(&self) -> Ids {
        let one_time = self.one_time.offered.iter().map(|each| each.id);
        let kyber = self.one_time_kyber.offered.iter().map(|each| each.id);
        let signed = self.signed.retired.iter().map(|retired| retired.key.id);
        let last_resort = self.last_resort.retired.iter().map(|retired| retired.key.key.id);
        let all = one_time.chain(kyber).chain(signed).chain(last_resort);
        Ids { next: self.next_id, held: all.filter(|id| *id >= self.next_id).collect() }
    }
}

impl<'a> StockAt<'a> {
    /// The private keys that a prekey message names: [`Error::UnknownPreKey`] if one is not held,
    /// [`Error::Duplicate`] if the last-resort key has met this base key before.
    pub fn find(self, outer: &Outer<'_>) -> Result<AcceptingKeys<'a>, Error> {
        let stock = self.stock;
        let mut signed = stock.signed.open(self.now_ms);
        let signed = signed.find(|signed| signed.id == outer.signed_id);
        let mut last_resort = stock.last_resort.open(self.now_ms);
        let kyber = match last_resort.find(|last| last.key.id == outer.kyber_id) {
            Some(last_resort) => last_resort.key_for(outer)?,
            None => stock.one_time_kyber.find(outer.kyber_id).ok_or(Error::UnknownPreKey)?,
        };
        let one_time = match outer.one_time_id {
            Some(id) => Some(stock.one_time.find(id).ok_or(Error::UnknownPreKey)?),
            None => None,
        };
        Ok(AcceptingKeys { signed: &signed.ok_or(Error::UnknownPreKey)?.key, one_time, kyber })
    }
}

impl LastResort {
    fn generate(
        id: u32,
        identity: &x25519::PrivateKey,
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        Ok(Self { key: KyberPreKey::generate(id, identity, random)?, reuses: Vec::new() })
    }

    fn key_for(&self, outer: &Outer<'_>) -> Result<&kyber1024::DecapsulationKey, Error> {
        if self.reuses.contains(&reuse_digest(outer)) {
            return Err(Error::Duplicate);
        }
        if self.reuses.len() >= MAX_REUSES {
            return Err(Error::Exhausted);
        }
        Ok(&self.key.key)
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

/// Numbers that become used when the caller puts `next` back.
struct Ids {
    next: u32,
    /// Numbers that are not free, although they are to come.
    held: Vec<u32>,
}

impl Ids {
    fn take(&mut self) -> Result<u32, Error> {
        let mut id = self.next;
        while self.held.contains(&id) {
            id = id.checked_add(1).ok_or(Error::Exhausted)?;
        }
        if id > MAX_ID {
            return Err(Error::Exhausted);
        }
        self.next = id.saturating_add(1);
        Ok(id)
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

#[cfg(test)]
mod tests;
#[cfg(test)]
mod walk;
