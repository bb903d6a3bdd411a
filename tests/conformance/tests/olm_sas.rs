// SPDX-License-Identifier: MIT OR Apache-2.0
//! Verification by short strings against libolm and vodozemac (olm_megolm.md §4).

use e2ee_conformance::{Count, ScriptedRandom, array, hex, json, text};
use e2ee_olm::sas::{
    Acceptor, Between, EMOJI_NAMES, Established, KeyAgreement, MacMethod, Starter,
};
use e2ee_primitives::{base64, hkdf, x25519::PrivateKey, x25519::PublicKey};
use e2ee_wire::Error;
use serde_json::Value;

const START: &[u8] = b"{}";
const METHODS: [(MacMethod, &str); 2] = [
    (MacMethod::HkdfHmacSha256V2, "mac_hkdf_hmac_sha256_v2"),
    (MacMethod::HkdfHmacSha256, "mac_hkdf_hmac_sha256_broken"),
];

fn sets() -> Value {
    json("olm/sas").expect("the repository has its own copy")
}

/// The names that the recorded infos hold, from either side.
fn between(transaction: &str, alice_is_us: bool) -> Between {
    let (alice, bob) = (("@alice:example.org", "ADEV"), ("@bob:example.org", "BDEV"));
    let (ours, theirs) = if alice_is_us { (alice, bob) } else { (bob, alice) };
    Between {
        our_user: ours.0.to_owned(),
        our_device: ours.1.to_owned(),
        their_user: theirs.0.to_owned(),
        their_device: theirs.1.to_owned(),
        transaction: transaction.to_owned(),
    }
}

/// Both sides of a recorded verification, Alice being the one who started.
fn both(case: &Value, transaction: &str) -> [Established; 2] {
    let [a, b]: [[u8; 32]; 2] = [array(case, "private_a"), array(case, "private_b")];
    let acceptor = Acceptor::new(&mut ScriptedRandom::new(&[&b])).unwrap();
    let commitment = acceptor.commitment(START);
    let starter = Starter::new(commitment, &mut ScriptedRandom::new(&[&a])).unwrap();
    let (starts, accepts) = (*starter.public_key(), *acceptor.public_key());
    assert_eq!(text(case, "public_a"), base64::encode(starts.as_bytes()));
    assert_eq!(text(case, "public_b"), base64::encode(accepts.as_bytes()));
    [
        starter.agree(&accepts, START, between(transaction, true)).unwrap(),
        acceptor.agree(&starts, between(transaction, false)).unwrap(),
    ]
}

#[test]
fn strings_and_macs_are_those_of_libolm() {
    let sets = sets();
    let cases = sets["libolm"].as_array().unwrap();
    let mut count = Count::new("olm/sas libolm");
    for (place, case) in cases.iter().enumerate() {
        let [alice, bob] = both(case, &format!("txn{place}"));
        for side in [&alice, &bob] {
            let string = side.short_string(KeyAgreement::Curve25519HkdfSha256);
            assert_eq!(hex(case, "bytes6"), string.bytes());
            assert_eq!(hex(case, "bytes5"), string.bytes()[..5]);
        }
        let (id, input) = ("ed25519:ADEV", text(case, "mac_input"));
        assert!(text(case, "mac_info").ends_with(id));
        for (method, field) in METHODS {
            let mac = text(case, field);
            assert_eq!(mac, alice.mac(method, id, input), "{field}");
            assert_eq!(Ok(()), bob.verify_mac(method, id, input, mac), "{field}");
        }
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn every_flipped_bit_of_a_mac_is_refused() {
    let sets = sets();
    let case = &sets["libolm"][0];
    let [_, bob] = both(case, "txn0");
    let (id, input) = ("ed25519:ADEV", text(case, "mac_input"));
    let mut tried = 0;
    for (method, field) in METHODS {
        let mac = text(case, field);
        for bit in 0..mac.len() * 8 {
            let mut flipped = mac.as_bytes().to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let Ok(flipped) = String::from_utf8(flipped) else { continue };
            let verdict = bob.verify_mac(method, id, input, &flipped);
            assert_eq!(Err(Error::Forged), verdict, "{field} bit {bit}");
            tried += 1;
        }
    }
    for bit in 0..256 {
        let mut tag = base64::decode(text(case, METHODS[0].1)).unwrap().expose().to_vec();
        tag[bit / 8] ^= 1 << (bit % 8);
        let verdict = bob.verify_mac(METHODS[0].0, id, input, &base64::encode(&tag));
        assert_eq!(Err(Error::Forged), verdict, "bit {bit} of the tag");
        tried += 1;
    }
    println!("olm/sas flips: {tried} tried, 0 accepted");
}

/// What vodozemac and libolm made of one agreement; its infos are free texts, so that only what
/// follows the derivation is ours.
#[test]
fn what_is_shown_is_that_of_vodozemac() {
    let sets = sets();
    let case = &sets["cross"];
    let ours = PrivateKey::from_bytes(&array(case, "libolm_private"));
    let theirs = PublicKey::new(base64::decode_key(text(case, "vodozemac_public")).unwrap());
    assert_eq!(text(case, "libolm_public"), base64::encode(ours.public().as_bytes()));
    let shared = ours.agree(&theirs).unwrap();
    let info = text(case, "info").as_bytes();
    let bytes = hkdf::derive::<6>(&[], &[shared.expose()], &[info]);

    let string = e2ee_olm::sas::ShortString::new(bytes);

    let mut count = Count::new("olm/sas cross");
    assert_eq!(hex(case, "bytes6"), string.bytes());
    let emoji: Vec<u8> = serde_json::from_value(case["vodozemac_emoji_indices"].clone()).unwrap();
    assert_eq!(emoji, string.emoji());
    let decimals: Vec<u16> = serde_json::from_value(case["vodozemac_decimals"].clone()).unwrap();
    assert_eq!(decimals, string.decimal());
    assert_eq!(EMOJI_NAMES[usize::from(emoji[0])], "Cake");
    for (ours, theirs) in
        [("libolm_mac", "vodozemac_mac"), ("libolm_mac_broken", "vodozemac_mac_broken")]
    {
        assert_eq!(text(case, ours), text(case, theirs));
    }
    count.ran();
    count.finish(1);
}
