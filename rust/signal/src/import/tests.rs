// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many records of a kind an account takes over, and which (signal.md §3 and §8.1).

use e2ee_primitives::{random::Random, x25519, xeddsa};
use e2ee_wire::{Error, protobuf};

use super::*;
use crate::{
    keys::encode_ec,
    stock::{MAX_OFFERED, MAX_RETIRED},
};

struct Counter(u64);

impl Random for Counter {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            let block = e2ee_primitives::sha::sha256(&[&self.0.to_be_bytes()]);
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}

fn pair(out: &mut Vec<u8>, first: u32, key: &x25519::PrivateKey) {
    protobuf::write_bytes(out, first, &encode_ec(key.public()));
    protobuf::write_bytes(out, first + 1, key.expose());
}

fn identity_record(identity: &x25519::PrivateKey) -> Vec<u8> {
    let mut out = Vec::new();
    pair(&mut out, 1, identity);
    out
}

fn one_time_record(id: u32, random: &mut Counter) -> Vec<u8> {
    let mut out = Vec::new();
    protobuf::write_varint(&mut out, 1, u64::from(id));
    pair(&mut out, 2, &x25519::PrivateKey::random(random).unwrap());
    out
}

fn signed_record(
    id: u32,
    created_ms: u64,
    identity: &x25519::PrivateKey,
    random: &mut Counter,
) -> Vec<u8> {
    let key = x25519::PrivateKey::random(random).unwrap();
    let signature = xeddsa::sign(identity, &[&encode_ec(key.public())], random).unwrap();
    let mut out = Vec::new();
    protobuf::write_varint(&mut out, 1, u64::from(id));
    pair(&mut out, 2, &key);
    protobuf::write_bytes(&mut out, 4, &signature);
    out.push(5 << 3 | 1);
    out.extend_from_slice(&created_ms.to_le_bytes());
    out
}

fn planned(records: &LibsignalRecords<'_>) -> Plan {
    let owner = ("bob", DeviceId::new(1).unwrap());
    Plan::new(owner, records, &mut Counter(1 << 32)).unwrap()
}

fn refused(plan: &Plan) -> Vec<(String, Refusal)> {
    let of_row = |row: &Row| match row.outcome {
        Outcome::Refused(refusal) => Some((row.name.clone(), refusal)),
        _ => None,
    };
    plan.report.iter().filter_map(of_row).collect()
}

#[test]
fn the_newest_signed_prekeys_are_taken_over_and_no_more_than_are_kept() {
    let mut random = Counter(0);
    let identity = x25519::PrivateKey::random(&mut random).unwrap();
    let pair = identity_record(&identity);
    let kept = u32::try_from(MAX_RETIRED).unwrap();
    for count in [kept - 1, kept, kept + 1] {
        // The higher the number, the older the prekey.
        let rows: Vec<_> = (1..=count)
            .map(|id| (id, signed_record(id, u64::from(1_000 - id), &identity, &mut random)))
            .collect();
        let signed_prekeys = rows.iter().map(|(id, record)| (*id, &record[..])).collect();
        let records = LibsignalRecords {
            identity_key_pair: &pair,
            signed_prekeys,
            ..LibsignalRecords::default()
        };

        let plan = planned(&records);

        let ids: Vec<u32> = plan.prekeys.signed.iter().map(|signed| signed.id).collect();
        assert_eq!((1..=count.min(kept)).collect::<Vec<_>>(), ids);
        let too_many = (kept + 1..=count).map(|id| (id.to_string(), Refusal::TooMany));
        assert_eq!(too_many.collect::<Vec<_>>(), refused(&plan));
    }
}

#[test]
fn no_more_one_time_prekeys_are_taken_over_than_are_kept() {
    let mut random = Counter(0);
    let pair = identity_record(&x25519::PrivateKey::random(&mut random).unwrap());
    let kept = u32::try_from(MAX_OFFERED).unwrap();
    for count in [kept - 1, kept, kept + 1] {
        let rows: Vec<_> = (1..=count).map(|id| (id, one_time_record(id, &mut random))).collect();
        let prekeys = rows.iter().map(|(id, record)| (*id, &record[..])).collect();
        let records =
            LibsignalRecords { identity_key_pair: &pair, prekeys, ..LibsignalRecords::default() };

        let plan = planned(&records);

        let ids: Vec<u32> = plan.prekeys.one_time.iter().map(|each| each.id).collect();
        assert_eq!((count.saturating_sub(kept) + 1..=count).collect::<Vec<_>>(), ids);
        assert_eq!(usize::from(count > kept), refused(&plan).len());
    }
}

#[test]
fn a_number_counts_once() {
    let mut random = Counter(0);
    let pair = identity_record(&x25519::PrivateKey::random(&mut random).unwrap());
    let (first, second) = (one_time_record(7, &mut random), one_time_record(7, &mut random));
    let records = LibsignalRecords {
        identity_key_pair: &pair,
        prekeys: vec![(7, &first), (7, &second)],
        ..LibsignalRecords::default()
    };

    let plan = planned(&records);

    assert_eq!(1, plan.prekeys.one_time.len());
    assert_eq!(vec![("7".to_owned(), Refusal::Repeated)], refused(&plan));
}

#[test]
fn new_numbers_begin_behind_the_widest_gap() {
    let mut random = Counter(0);
    let identity = x25519::PrivateKey::random(&mut random).unwrap();
    let pair = identity_record(&identity);
    let ids = [3, 8, crate::stock::MAX_ID - 1];
    let rows = ids.map(|id| (id, one_time_record(id, &mut random)));
    let prekeys = rows.iter().map(|(id, record)| (*id, &record[..])).collect();
    let records =
        LibsignalRecords { identity_key_pair: &pair, prekeys, ..LibsignalRecords::default() };
    let prekeys = planned(&records).prekeys;

    let stock = crate::PreKeyStock::import(&identity, prekeys, 0, &mut random).unwrap();

    let ours = crate::session::OurIdentity { key: &identity, registration_id: 1 };
    let bundle = stock.reusable(ours, DeviceId::new(1).unwrap());
    assert_eq!((9, 10), (bundle.signed.id, bundle.kyber_id));
}
