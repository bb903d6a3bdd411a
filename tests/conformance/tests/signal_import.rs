// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every recorded record of a recorded client's stores is read (signal.md §8.1; §3, "Stored
//! records"; §2.1), and its keys open the recorded first messages.

use e2ee_conformance::{
    Count,
    fields::{hex, number, text, unhex},
    json,
    signal::{Filler, address, private_key, public_key},
};
use e2ee_primitives::x25519;
use e2ee_signal::{
    DeviceId, Parties, PreKeyMessage, PreKeyStock, Sessions,
    import::{self, LibsignalRecords, Outcome, Plan, SessionRecord},
    keys,
    session::OurIdentity,
    sessions,
    stock::{KEPT_MS, UsedPreKeys},
};
use e2ee_wire::Error;
use serde_json::Value;

const SESSIONS: [&str; 8] = [
    "session_basic",
    "session_long_spqr",
    "session_no_one_time",
    "session_out_of_order",
    "session_plain_names",
    "session_pni",
    "session_self",
    "session_simultaneous",
];
const NAMES_OF_SESSIONS: [&str; 6] = [
    "sender_record_before",
    "sender_record_after",
    "record_before",
    "record_after",
    "alice_record_after_bundle",
    "alice_record_before_signal_cases",
];

fn vectors() -> impl Iterator<Item = (String, Value)> {
    let others = ["negative", "sealed_sender"];
    SESSIONS.into_iter().chain(others).filter_map(|file| {
        let set = format!("signal/{file}");
        json(&set).map(|vector| (set, vector))
    })
}

/// Every object in `value`, at any depth.
fn objects<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            found.push(value);
            fields.values().for_each(|field| objects(field, found));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| objects(entry, found)),
        _ => {}
    }
}

fn all(vector: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    objects(vector, &mut found);
    found
}

#[test]
fn every_recorded_identity_key_pair_is_read() {
    let keys = json("signal/keys").map(|vector| ("signal/keys".to_owned(), vector));
    for (set, vector) in vectors().chain(keys) {
        let mut count = Count::new(&format!("{set} identity pairs"));
        let mut total = 0;
        for object in all(&vector) {
            for (pair, private, public) in [
                ("identity_key_pair_serialized", "identity_private", "identity_public"),
                ("serialized_pair", "private", "public"),
            ] {
                if object.get(pair).is_none() {
                    continue;
                }
                total += 1;
                let key = import::identity_key_pair(&hex(object, pair)).unwrap();
                assert_eq!(private_key(object, private).expose(), key.expose());
                assert_eq!(public_key(object, public), *key.public());
                count.ran();
            }
        }
        count.finish(total);
    }
}

#[test]
fn every_recorded_prekey_is_read() {
    for (set, vector) in vectors() {
        let mut count = Count::new(&format!("{set} prekeys"));
        let mut total = 0;
        for bundle in all(&vector) {
            let records = ["one_time_prekey", "signed_prekey", "kyber_prekey"]
                .map(|kind| bundle.get(kind).filter(|key| key.get("record").is_some()));
            if records.iter().all(Option::is_none) {
                continue;
            }
            let identity = public_key(bundle, "identity_public");
            if let Some(key) = records[0] {
                let read = import::one_time_prekey(&hex(key, "record")).unwrap();
                assert_eq!(number(key, "id"), u64::from(read.id));
                assert_eq!(private_key(key, "private").expose(), read.key.expose());
                count.ran();
            }
            if let Some(key) = records[1] {
                let read = import::signed_prekey(&hex(key, "record"), &identity).unwrap();
                assert_eq!(number(key, "id"), u64::from(read.prekey.id));
                assert_eq!(public_key(key, "public"), *read.prekey.key.public());
                count.ran();
            }
            if let Some(key) = records[2] {
                let read = import::kyber_prekey(&hex(key, "record"), &identity).unwrap();
                assert_eq!(number(key, "id"), u64::from(read.prekey.id));
                assert_eq!(hex(key, "public"), keys::encode_kyber(&read.prekey.key.public()));
                count.ran();
            }
            total += records.iter().flatten().count();
        }
        count.finish(total);
    }
}

#[test]
fn every_recorded_session_record_is_read() {
    for (set, vector) in vectors() {
        let set = format!("{set} session records");
        let records: Vec<Vec<u8>> = all(&vector)
            .into_iter()
            .flat_map(|object| NAMES_OF_SESSIONS.iter().filter_map(|name| object.get(name)))
            .filter_map(|record| record.as_str().map(unhex))
            .collect();
        if records.is_empty() {
            assert!(set.contains("session_self"), "{set}: the records are gone");
            Count::none_applicable(&set, 0, "no record in it");
            continue;
        }
        let mut count = Count::new(&set);
        for record in &records {
            let read = SessionRecord::read(record).unwrap();
            let current = read.current.expect("the recorded ones have a current session");
            assert_eq!(4, current.version);
            assert!(current.their_identity.is_some());
            assert!(read.archived.iter().all(Option::is_some));
            count.ran();
        }
        count.finish(records.len());
    }
}

/// What the device behind a recorded bundle has in its stores.
struct Stores {
    pair: Vec<u8>,
    registration_id: u32,
    records: [Option<(u32, Vec<u8>)>; 3],
}

impl Stores {
    fn of(owner: &Value, bundle: &Value) -> Self {
        let record = |kind: &str| {
            let key = bundle.get(kind).filter(|key| key.get("record").is_some())?;
            Some((u32::try_from(number(key, "id")).unwrap(), hex(key, "record")))
        };
        Self {
            pair: hex(owner, "identity_key_pair_serialized"),
            registration_id: u32::try_from(number(owner, "registration_id")).unwrap(),
            records: ["one_time_prekey", "signed_prekey", "kyber_prekey"].map(record),
        }
    }

    fn records(&self, last_resort: bool) -> LibsignalRecords<'_> {
        let [one_time, signed, kyber] = self.records.each_ref().map(Option::as_ref);
        LibsignalRecords {
            identity_key_pair: &self.pair,
            registration_id: self.registration_id,
            prekeys: one_time.iter().map(|(id, record)| (*id, &record[..])).collect(),
            signed_prekeys: signed.iter().map(|(id, record)| (*id, &record[..])).collect(),
            kyber_prekeys: kyber
                .iter()
                .map(|(id, record)| (*id, &record[..], last_resort))
                .collect(),
            ..LibsignalRecords::default()
        }
    }
}

/// The stock of an import in which nothing was refused.
fn imported(records: &LibsignalRecords<'_>) -> (x25519::PrivateKey, PreKeyStock) {
    let plan = Plan::new(owner(), records, &mut Filler::numbered(1)).unwrap();
    assert!(plan.report.iter().all(|row| row.outcome == Outcome::Imported), "{:?}", plan.report);
    let random = &mut Filler::numbered(2);
    let stock = PreKeyStock::import(&plan.identity, plan.prekeys, NOW_MS, random).unwrap();
    (plan.identity, stock)
}

const NOW_MS: u64 = 1_000;

/// A recorded first message.
struct First<'a> {
    bundle: &'a Value,
    message: Vec<u8>,
    plaintext: Vec<u8>,
    them: &'a Value,
    us: &'a Value,
}

fn first_messages(vector: &Value) -> Vec<First<'_>> {
    if let Some(message) = vector.get("first_message") {
        let message = unhex(message.as_str().unwrap());
        let plaintext = unhex(vector["cases"][0]["outcome"]["result"].as_str().unwrap());
        let (them, us) = (&vector["alice_device_1"], &vector["alice_device_2"]);
        return vec![First { bundle: &vector["bundle"], message, plaintext, them, us }];
    }
    let address = |who: &Value| format!("{}.{}", text(who, "name"), who["device_id"]);
    let mut found = Vec::new();
    for (us, them, bundle) in [("bob", "alice", "bob_bundle"), ("alice", "bob", "alice_bundle")] {
        let to_us =
            |step: &&Value| text(step, "op") == "send" && text(step, "to") == address(&vector[us]);
        let Some(step) = vector["steps"].as_array().unwrap().iter().find(to_us) else { continue };
        if let (Some(bundle), true) = (vector.get(bundle), step["type"] == 3) {
            let (message, plaintext) = (hex(step, "message"), hex(step, "plaintext"));
            found.push(First { bundle, message, plaintext, them: &vector[them], us: &vector[us] });
        }
    }
    found
}

#[test]
fn imported_prekeys_open_the_recorded_first_messages_once() {
    for file in SESSIONS {
        let Some(vector) = json(&format!("signal/{file}")) else { continue };
        let mut count = Count::new(&format!("signal/{file} first messages"));
        let messages = first_messages(&vector);
        for First { bundle, message, plaintext, them, us } in &messages {
            let stores = Stores::of(us, bundle);
            let (identity, mut stock) = imported(&stores.records(false));
            let ours = OurIdentity { key: &identity, registration_id: stores.registration_id };
            let [ours_at, theirs_at] =
                [us, them].map(|who| address(text(who, "name"), number(who, "device_id")));
            let parties = Parties { ours: ours_at, theirs: theirs_at };
            let message = PreKeyMessage::decode(message).unwrap();

            let open = |stock: &PreKeyStock| {
                let sessions = &mut Sessions::none();
                sessions::decrypt_prekey(sessions, ours, &parties, &message, stock.at(NOW_MS))
            };
            let opened = open(&stock).unwrap();
            stock.consume(&opened.used.unwrap());

            assert_eq!(plaintext, opened.plaintext.expose());
            assert!(open(&stock).is_err());
            count.ran();
        }
        count.finish(messages.len());
    }
}

#[test]
fn imported_prekeys_open_first_messages_for_thirty_days() {
    let Some(vector) = json("signal/session_basic") else { return };
    let First { bundle, message, us, .. } = &first_messages(&vector)[0];
    let stores = Stores::of(us, bundle);
    let outer = PreKeyMessage::decode(message).unwrap().outer;
    for last_resort in [false, true] {
        let (_, stock) = imported(&stores.records(last_resort));

        assert!(stock.at(NOW_MS + KEPT_MS - 1).find(&outer).is_ok());
        assert!(stock.at(NOW_MS + KEPT_MS).find(&outer).is_ok());
        let late = stock.at(NOW_MS + KEPT_MS + 1).find(&outer);
        assert_eq!(Some(Error::UnknownPreKey), late.err());
    }
}

#[test]
fn a_prekey_of_last_resort_refuses_a_first_message_that_it_has_opened() {
    let Some(vector) = json("signal/session_no_one_time") else { return };
    let First { bundle, message, us, .. } = &first_messages(&vector)[0];
    let stores = Stores::of(us, bundle);
    let outer = PreKeyMessage::decode(message).unwrap().outer;
    let (_, mut stock) = imported(&stores.records(true));
    assert!(stock.at(NOW_MS).find(&outer).is_ok());

    stock.consume(&UsedPreKeys::of(&outer));

    let again = stock.at(NOW_MS).find(&outer);
    assert_eq!(Some(Error::Duplicate), again.err());
}

fn owner() -> (&'static str, DeviceId) {
    ("owner", DeviceId::new(1).unwrap())
}
