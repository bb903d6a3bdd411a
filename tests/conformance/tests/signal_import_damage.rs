// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged records of a recorded client's stores (signal.md §8.1; §3, "Stored records"): none
//! panics, and none gives another key than the one that was recorded.

use e2ee_conformance::{
    fields::{hex, number, text},
    json,
    signal::Filler,
};
use e2ee_primitives::kyber1024::{DecapsulationKey, EXPANDED_LEN};
use e2ee_signal::{
    DeviceId,
    import::{self, Kind, LibsignalRecords, Outcome, Plan, Refusal, Row, SessionRecord},
};
use serde_json::Value;

/// Bytes of the last part of a Kyber secret key, which nothing else in it depends on (signal.md
/// §2.2): it matters for forged ciphertexts alone.
const REJECTION_LEN: usize = 32;

fn vector() -> Value {
    json("signal/session_basic").expect("this set is part of the repository")
}

fn record(vector: &Value, kind: &str) -> (u32, Vec<u8>) {
    let key = &vector["bob_bundle"][kind];
    (u32::try_from(number(key, "id")).unwrap(), hex(key, "record"))
}

/// `seed` with each byte changed, and cut at each place.
fn damaged(seed: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    let cut = (0..seed.len()).map(|end| (end, seed[..end].to_vec()));
    let changed = (0..seed.len()).flat_map(|position| {
        [0x01, 0x10, 0x80].map(|flip| {
            let mut bytes = seed.to_vec();
            bytes[position] ^= flip;
            (position, bytes)
        })
    });
    changed.chain(cut)
}

/// The plan for one record beside the recorded identity.
fn planned(pair: &[u8], kind: Kind, number: u32, record: &[u8]) -> Plan {
    let mut records = LibsignalRecords { identity_key_pair: pair, ..LibsignalRecords::default() };
    match kind {
        Kind::PreKey => records.prekeys.push((number, record)),
        Kind::SignedPreKey => records.signed_prekeys.push((number, record)),
        _ => records.kyber_prekeys.push((number, record, false)),
    }
    Plan::new(owner(), &records, &mut Filler::numbered(3)).unwrap()
}

fn outcome(plan: &Plan) -> &Outcome {
    let [_, Row { outcome, .. }] = &plan.report[..] else { panic!("one record was given") };
    outcome
}

#[test]
fn a_damaged_identity_key_pair_gives_the_same_key_or_none() {
    let pair = hex(&vector()["bob"], "identity_key_pair_serialized");
    let key = import::identity_key_pair(&pair).unwrap();
    let mut refused = 0;
    for (_, bytes) in damaged(&pair) {
        match import::identity_key_pair(&bytes) {
            Ok(read) => assert_eq!(key.expose(), read.expose()),
            Err(_) => refused += 1,
        }
    }
    // Of the five bits that clamping sets, two are among the changed ones.
    assert_eq!(pair.len() * 4 - 2, refused);
}

#[test]
fn a_damaged_curve_prekey_gives_the_same_key_or_none() {
    let vector = vector();
    let pair = hex(&vector["bob"], "identity_key_pair_serialized");
    for (kind, name) in [(Kind::PreKey, "one_time_prekey"), (Kind::SignedPreKey, "signed_prekey")] {
        let (id, record) = record(&vector, name);
        let whole = planned(&pair, kind, id, &record);
        assert_eq!(Outcome::Imported, *outcome(&whole));
        let key = |plan: &Plan| {
            let one_time = plan.prekeys.one_time.first().map(|key| (key.id, *key.key.expose()));
            let signed = plan.prekeys.signed.first().map(|key| (key.id, *key.key.expose()));
            one_time.or(signed)
        };
        for (_, bytes) in damaged(&record) {
            let plan = planned(&pair, kind, id, &bytes);
            match outcome(&plan) {
                Outcome::Imported => assert_eq!(key(&whole), key(&plan)),
                _ => assert_eq!(None, key(&plan)),
            }
        }
    }
}

#[test]
fn a_kyber_prekey_is_refused_for_each_byte_on_which_opening_depends() {
    let vector = vector();
    let pair = hex(&vector["bob"], "identity_key_pair_serialized");
    let (id, record) = record(&vector, "kyber_prekey");
    let secret = hex(&vector["bob_bundle"]["kyber_prekey"], "secret");
    let start = record.windows(secret.len()).position(|part| part == secret).unwrap();
    let rejection = start + secret.len() - REJECTION_LEN..start + secret.len();
    let whole = planned(&pair, Kind::KyberPreKey, id, &record);
    assert_eq!(Outcome::Imported, *outcome(&whole));

    for position in 0..start + secret.len() {
        let mut bytes = record.clone();
        bytes[position] ^= 0x10;
        let plan = planned(&pair, Kind::KyberPreKey, id, &bytes);
        assert_eq!(
            rejection.contains(&position),
            *outcome(&plan) == Outcome::Imported,
            "{position}"
        );
    }
}

#[test]
fn each_wrong_part_of_a_record_has_its_reason() {
    let vector = vector();
    let pair = hex(&vector["bob"], "identity_key_pair_serialized");
    let other = hex(&vector["alice"], "identity_key_pair_serialized");
    let (id, signed) = record(&vector, "signed_prekey");
    let refusal = |plan: Plan| match outcome(&plan) {
        Outcome::Refused(refusal) => *refusal,
        outcome => panic!("{outcome:?}"),
    };
    let signed_as = |id, bytes: &[u8]| refusal(planned(&pair, Kind::SignedPreKey, id, bytes));
    let private = hex(&vector["bob_bundle"]["signed_prekey"], "private");
    let at = signed.windows(32).position(|part| part == private).unwrap();
    let mut halves = signed.clone();
    halves[at + 1] ^= 1;

    assert_eq!(Refusal::OtherNumber, signed_as(id + 1, &signed));
    assert_eq!(Refusal::HalvesDiffer, signed_as(id, &halves));
    assert_eq!(Refusal::InvalidKey, signed_as(id, &[]));
    assert_eq!(Refusal::NotARecord, signed_as(id, &[0xff]));
    assert_eq!(Refusal::BadSignature, refusal(planned(&other, Kind::SignedPreKey, id, &signed)));
}

#[test]
fn a_damaged_session_record_is_read_or_not_and_nothing_else() {
    let vector = vector();
    let steps = vector["steps"].as_array().unwrap();
    let received =
        steps.iter().find(|step| text(step, "op") == "recv" && step["record_before"].is_string());
    let session = hex(received.unwrap(), "record_before");
    let whole = SessionRecord::read(&session).unwrap();
    let mut same = 0;
    for (_, bytes) in damaged(&session) {
        same += usize::from(SessionRecord::read(&bytes).as_ref() == Ok(&whole));
    }
    // Most of a record is secrets, which are not looked at.
    assert!(same > session.len());
}

#[test]
fn a_kyber_secret_key_of_another_public_half_is_refused() {
    let vector = vector();
    let secret = hex(&vector["bob_bundle"]["kyber_prekey"], "secret");
    let mut bytes: [u8; EXPANDED_LEN] = secret[1..].try_into().unwrap();
    assert!(DecapsulationKey::from_expanded(&bytes).is_ok());
    bytes[1536] ^= 1;
    assert!(DecapsulationKey::from_expanded(&bytes).is_err());
}

fn owner() -> (&'static str, DeviceId) {
    ("owner", DeviceId::new(1).unwrap())
}
