// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which of the recorded prekeys a stock takes over (signal.md §3, "Stored records", and §5.4).

use core::cmp::Reverse;

use e2ee_primitives::{random::Random, x25519};
use e2ee_wire::Error;

use crate::{
    prekeys::{KyberPreKey, SignedPreKey},
    stock::{FormerPreKeys, MAX_OFFERED, MAX_RETIRED, Numbered},
};

use super::{
    Dated, Kind, LibsignalRecords, Outcome, Refusal, Report, Row, kyber_prekey, one_time_prekey,
    prekeys::opens_its_own, signed_prekey,
};

/// The prekeys of a kind that can be used.
type Pool<K> = Vec<Entry<K>>;

/// A prekey with its number and its time, 0 if it has none.
struct Entry<K> {
    id: u32,
    created_ms: u64,
    key: K,
}

/// Reads all prekeys; the newest ones if there are more than a stock keeps.
pub(super) fn read_prekeys(
    records: &LibsignalRecords<'_>,
    identity: &x25519::PublicKey,
    random: &mut dyn Random,
) -> Result<(FormerPreKeys, Report), Error> {
    let mut report = Report::new();
    let mut one_time = Pool::new();
    for (number, record) in &records.prekeys {
        let read = one_time_prekey(record).map(Entry::of_one_time);
        report.push(add((Kind::PreKey, *number), read, &mut one_time, |_| false));
    }
    let mut signed = Pool::new();
    for (number, record) in &records.signed_prekeys {
        let read = signed_prekey(record, identity).map(Entry::of_signed);
        report.push(add((Kind::SignedPreKey, *number), read, &mut signed, |_| false));
    }
    let (mut kyber, mut last_resort) = (Pool::new(), Pool::new());
    for (number, record, is_last_resort) in &records.kyber_prekeys {
        let read = usable(kyber_prekey(record, identity), random)?.map(Entry::of_kyber);
        let (pool, other) =
            if *is_last_resort { (&mut last_resort, &kyber) } else { (&mut kyber, &last_resort) };
        let taken = |id| other.iter().any(|entry| entry.id == id);
        report.push(add((Kind::KyberPreKey, *number), read, pool, taken));
    }
    let mut one_time = newest((Kind::PreKey, MAX_OFFERED), one_time, &mut report);
    let mut kyber = newest((Kind::KyberPreKey, MAX_OFFERED), kyber, &mut report);
    // The oldest one-time keys are those that give way first.
    one_time.reverse();
    kyber.reverse();
    let one_time_kyber = kyber.into_iter().map(|key| Numbered { id: key.id, key: key.key });
    let former = FormerPreKeys {
        one_time,
        one_time_kyber: one_time_kyber.collect(),
        signed: newest((Kind::SignedPreKey, MAX_RETIRED), signed, &mut report),
        last_resort: newest((Kind::KyberPreKey, MAX_RETIRED), last_resort, &mut report),
    };
    Ok((former, report))
}

impl Entry<Numbered<x25519::PrivateKey>> {
    const fn of_one_time(key: Numbered<x25519::PrivateKey>) -> Self {
        Self { id: key.id, created_ms: 0, key }
    }
}

impl Entry<SignedPreKey> {
    fn of_signed(Dated { prekey, created_ms }: Dated<SignedPreKey>) -> Self {
        Self { id: prekey.id, created_ms, key: prekey }
    }
}

impl Entry<KyberPreKey> {
    fn of_kyber(Dated { prekey, created_ms }: Dated<KyberPreKey>) -> Self {
        Self { id: prekey.id, created_ms, key: prekey }
    }
}

/// Refuses a Kyber prekey whose secret key does not open what its public half closes.
fn usable(
    read: Result<Dated<KyberPreKey>, Refusal>,
    random: &mut dyn Random,
) -> Result<Result<Dated<KyberPreKey>, Refusal>, Error> {
    match read {
        Ok(dated) if !opens_its_own(&dated.prekey.key, random)? => Ok(Err(Refusal::HalvesDiffer)),
        read => Ok(read),
    }
}

/// Adds a prekey to its pool, unless it cannot be used or its number is taken there or elsewhere.
fn add<K>(
    (kind, number): (Kind, u32),
    read: Result<Entry<K>, Refusal>,
    pool: &mut Pool<K>,
    taken: impl Fn(u32) -> bool,
) -> Row {
    let outcome = match read {
        Err(refusal) => Outcome::Refused(refusal),
        Ok(entry) if entry.id != number => Outcome::Refused(Refusal::OtherNumber),
        Ok(_) if taken(number) || pool.iter().any(|entry| entry.id == number) => {
            Outcome::Refused(Refusal::Repeated)
        }
        Ok(entry) => {
            pool.push(entry);
            Outcome::Imported
        }
    };
    Row { kind, name: number.to_string(), peer: None, outcome }
}

/// At most `limit` prekeys, newest first; those that are too many are refused.
fn newest<K>((kind, limit): (Kind, usize), mut pool: Pool<K>, report: &mut Report) -> Vec<K> {
    pool.sort_by_key(|entry| Reverse((entry.created_ms, entry.id)));
    for entry in pool.drain(limit.min(pool.len())..) {
        let name = entry.id.to_string();
        let of_entry = |row: &&mut Row| row.kind == kind && row.name == name;
        let rows = report.iter_mut().filter(of_entry);
        for row in rows.filter(|row| row.outcome == Outcome::Imported) {
            row.outcome = Outcome::Refused(Refusal::TooMany);
        }
    }
    pool.into_iter().map(|entry| entry.key).collect()
}
