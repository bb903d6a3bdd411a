// SPDX-License-Identifier: MIT OR Apache-2.0
//! Account keys, PIN hashes, usernames, incremental MACs and HPKE against the reference client
//! (signal.md §13, §14); the file's part about decryption errors is counted elsewhere.

use e2ee_conformance::{Count, ScriptedRandom, array, hex, json, number, text};
use e2ee_primitives::{Secret, hmac::HmacKey, x25519::PrivateKey};
use e2ee_signal::{
    ServiceId,
    account_keys::{AccountKeys, pin_hash},
    attachment::{ChunkSize, IncrementalCheck, IncrementalMac},
    hpke::{self, Binding, HpkeKey},
    keys::encode_ec,
    username::Username,
};
use serde_json::Value;

fn part(name: &str) -> Value {
    json("signal/misc").expect("the repository has its own copy")[name].clone()
}

#[test]
fn account_keys_are_those_of_the_reference_client() {
    let case = part("account");
    let keys = AccountKeys::from_pool(text(&case, "entropy_pool").as_bytes()).unwrap();
    let backup = keys.backup();
    let aci = ServiceId::parse(text(&case, "aci")).unwrap().binary().try_into().unwrap();
    let media_id = backup.media_id(text(&case, "media_name").as_bytes());
    let derived = [
        ("svr_key", keys.svr_key().expose().to_vec()),
        ("registration_lock", keys.registration_lock().expose().to_vec()),
        ("registration_recovery_password", keys.registration_recovery_password().expose().to_vec()),
        ("storage_service_key", keys.storage_service_key().expose().to_vec()),
        ("logging_key", keys.logging_key().expose().to_vec()),
        ("backup_key", backup.key().expose().to_vec()),
        ("backup_id", backup.id(&aci).expose().to_vec()),
        ("backup_ec_private", backup.signing_key(&aci).expose().to_vec()),
        ("local_backup_metadata_key", backup.local_metadata_key().expose().to_vec()),
        ("media_id", media_id.expose().to_vec()),
        ("media_key", backup.media_key(media_id.expose()).expose().to_vec()),
        ("thumbnail_key", backup.thumbnail_key(media_id.expose()).expose().to_vec()),
    ];

    let mut count = Count::new("signal/misc account");
    for (name, ours) in derived {
        assert_eq!(hex(&case, name), ours, "{name}");
        count.ran();
    }
    // The other fields are what the keys are derived from.
    count.finish(case.as_object().unwrap().len() - ["entropy_pool", "aci", "media_name"].len());
}

#[test]
fn a_pin_hash_is_that_of_the_reference_client() {
    let case = part("pin_hash");

    let hash = pin_hash(text(&case, "pin").as_bytes(), &array(&case, "salt")).unwrap();

    let mut count = Count::new("signal/misc pin_hash");
    assert_eq!(&array(&case, "encryption_key"), hash.0.expose());
    assert_eq!(&array(&case, "access_key"), hash.1.expose());
    count.ran();
    count.finish(1);
}

#[test]
fn usernames_hash_and_link_as_in_the_reference_client() {
    let cases = part("usernames");
    let cases = cases.as_array().unwrap();
    let mut count = Count::new("signal/misc usernames");
    for case in cases {
        let username = Username::parse(text(case, "username")).unwrap();
        let link_key = Secret::new(array(case, "link_entropy"));
        let link = hex(case, "link_encrypted");

        assert_eq!(Ok(array(case, "hash")), username.hash(), "{case}");
        assert_eq!(Ok(&username), Username::open(&link_key, &link).as_ref(), "{case}");
        let mut random = ScriptedRandom::new(&[&link[..16]]);
        assert_eq!(Ok(link.clone()), username.seal(&link_key, &mut random), "{case}");
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn incremental_macs_are_written_and_read_as_in_the_reference_client() {
    let cases = part("incremental_mac");
    let cases = cases.as_array().unwrap();
    let mut count = Count::new("signal/misc incremental_mac");
    for case in cases {
        let key = HmacKey::new(&hex(case, "key"));
        let chunk = ChunkSize::new(u32::try_from(number(case, "chunk")).unwrap()).unwrap();
        let (bytes, values) = (hex(case, "data"), hex(case, "digest"));

        for piece in [1, 7, 1_000] {
            let mut mac = IncrementalMac::new(&key, chunk);
            bytes.chunks(piece).for_each(|each| mac.update(each));
            assert_eq!(values, mac.finish(), "{case}");
        }
        let mut check = IncrementalCheck::new(&key, &values);
        let chunks = bytes.chunks_exact(chunk.length());
        let rest = chunks.remainder();
        for each in chunks {
            check.chunk(each).unwrap();
        }
        assert!(check.finish(rest).is_ok(), "{case}");
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn chunk_sizes_are_those_of_the_reference_client() {
    let cases = part("incremental_mac_chunk_sizes");
    let cases = cases.as_array().unwrap();
    let mut count = Count::new("signal/misc incremental_mac_chunk_sizes");
    for case in cases {
        let chunk = ChunkSize::for_len(number(case, "data_size"));
        assert_eq!(number(case, "chunk"), u64::from(chunk.get()), "{case}");
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn a_message_that_the_reference_client_sealed_opens() {
    let case = part("hpke");
    let key = HpkeKey::new(PrivateKey::from_bytes(&array(&case, "private")));
    let (info, associated_data) = (hex(&case, "info"), hex(&case, "aad"));
    let binding = Binding { info: &info, associated_data: &associated_data };

    let opened = key.open_message(binding, &hex(&case, "sealed")).unwrap();

    let mut count = Count::new("signal/misc hpke");
    assert_eq!(hex(&case, "public"), encode_ec(key.public()));
    assert_eq!(hex(&case, "plaintext"), opened.expose());
    count.ran();
    count.finish(1);
}

/// Base mode of the one suite that Signal uses; a vector's first message is what one call seals.
#[test]
fn rfc_9180_vectors() {
    let Some(vectors) = json("hpke/rfc9180-test-vectors") else { return };
    let vectors = vectors.as_array().unwrap();
    let mut count = Count::new("hpke/rfc9180-test-vectors");
    for vector in vectors {
        let suite = ["mode", "kem_id", "kdf_id", "aead_id"].map(|name| number(vector, name));
        if suite != [0, 32, 1, 2] {
            count.not_applicable("another mode or suite");
            continue;
        }
        let key = PrivateKey::from_bytes(&array(vector, "skRm"));
        let first = &vector["encryptions"][0];
        let (info, associated_data) = (hex(vector, "info"), hex(first, "aad"));
        let binding = Binding { info: &info, associated_data: &associated_data };
        let expected = [&[1][..], &hex(vector, "enc"), &hex(first, "ct")].concat();
        let mut random = ScriptedRandom::new(&[&hex(vector, "ikmE")]);

        let sealed = hpke::seal(key.public(), binding, &hex(first, "pt"), &mut random).unwrap();

        assert_eq!(&array(vector, "pkRm"), key.public().as_bytes());
        assert_eq!(expected, sealed);
        let opened = HpkeKey::new(key).open_message(binding, &sealed).unwrap();
        assert_eq!(hex(first, "pt"), opened.expose());
        count.ran();
    }
    count.finish(vectors.len());
}

#[test]
fn other_hpke_vectors_are_of_other_suites() {
    for name in ["hpke/rust-hpke-go-test-vectors-8aa8a04", "hpke/hpke-pq-test-vectors"] {
        let Some(vectors) = json(name) else { continue };
        let vectors = vectors.as_array().unwrap();
        let matching = vectors.iter().filter(|vector| {
            [("mode", 0), ("kem_id", 32), ("kdf_id", 1), ("aead_id", 2)]
                .iter()
                .all(|(field, id)| vector[field].as_u64() == Some(*id))
        });

        assert_eq!(0, matching.count(), "{name}");
        Count::none_applicable(name, vectors.len(), "another mode or suite");
    }
}
