// SPDX-License-Identifier: MIT OR Apache-2.0
//! `XEdDSA` against recorded signatures of Signal and of another library (signal.md §2.3).

use e2ee_conformance::{Count, ScriptedRandom, array, hex, json, text};
use e2ee_primitives::x25519::{PrivateKey, PublicKey};
use e2ee_primitives::xeddsa;
use serde_json::Value;

fn signal_public(case: &Value) -> PublicKey {
    let [kind, key @ ..] = array::<33>(case, "public");
    assert_eq!(5, kind);
    PublicKey::new(key)
}

/// Whether a signature of any length is accepted: another length than 64 does not fit the type.
fn accepts(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    signature.try_into().is_ok_and(|signature| xeddsa::verify(key, &[message], signature).is_ok())
}

#[test]
fn signal_signatures_verify_and_ours_too() {
    let Some(keys) = json("signal/keys") else { return };
    let mut count = Count::new("signal/keys xeddsa");
    let cases = keys["xeddsa"].as_array().unwrap();
    for case in cases {
        let key = PrivateKey::from_bytes(&array(case, "private"));
        let (public, message) = (signal_public(case), hex(case, "message"));
        let mut random = ScriptedRandom::new(&[&[0x5a; 64]]);
        let ours = xeddsa::sign(&key, &[&message], &mut random).unwrap();
        random.finish();

        assert_eq!(&public, key.public());
        assert_eq!(
            case["valid"].as_bool().unwrap(),
            accepts(&public, &message, &hex(case, "signature"))
        );
        assert!(accepts(&public, &message, &ours));
        // The sign of A is a fact about the key: both signers must find the same one.
        assert_eq!(hex(case, "signature")[63] >> 7, ours[63] >> 7);
        count.ran();
    }
    count.finish(cases.len());
}

/// One listed deviation: Signal accepts s + L, we do not (stricter; no signer makes it).
#[test]
fn signal_edge_cases() {
    let Some(keys) = json("signal/keys") else { return };
    let mut count = Count::new("signal/keys xeddsa_edge");
    let cases = keys["xeddsa_edge"].as_array().unwrap();
    let mut deviations = 0;
    for case in cases {
        let accepted =
            accepts(&signal_public(case), &hex(case, "message"), &hex(case, "signature"));
        let reference = case["valid"].as_bool().unwrap();

        if text(case, "label") == "s replaced by s+L" {
            assert_eq!((true, false), (reference, accepted), "{case}");
            deviations += 1;
        } else {
            assert_eq!(reference, accepted, "{case}");
        }
        count.ran();
    }
    assert_eq!(1, deviations);
    println!("signal/keys xeddsa_edge: {deviations} deviation (s + L is refused, stricter)");
    count.finish(cases.len());
}

#[test]
fn signal_alternate_identity() {
    let Some(keys) = json("signal/keys") else { return };
    let case = &keys["alternate_identity"];
    let mut count = Count::new("signal/keys alternate_identity");
    let [_, signer @ ..] = array::<33>(case, "signer_public");
    let message = [&[0xff; 32], b"Signal_PNI_Signature".as_slice(), &hex(case, "other_public")];
    let signature = array(case, "signature");

    let verdict = xeddsa::verify(&PublicKey::new(signer), &message, &signature);

    assert_eq!(case["verifies"].as_bool().unwrap(), verdict.is_ok());
    count.ran();
    count.finish(1);
}

/// This library forces the sign to 0 before it signs, which is a subset of what we verify.
///
/// Its signing key is not clamped after that, so its signatures cannot be made by our type; ours
/// are verified instead.
#[test]
fn xeddsa_python() {
    let Some(set) = json("xeddsa/xeddsa-python") else { return };
    let mut count = Count::new("xeddsa/xeddsa-python");
    let cases = set["tests"].as_array().unwrap();
    for case in cases {
        let key = PrivateKey::from_bytes(&array(case, "curve25519_priv"));
        let public = PublicKey::new(array(case, "curve25519_pub"));
        let (nonce, message) = (hex(case, "nonce"), hex(case, "msg"));
        let mut random = ScriptedRandom::new(&[&nonce]);
        let ours = xeddsa::sign(&key, &[&message], &mut random).unwrap();
        random.finish();

        assert_eq!(&public, key.public(), "{case}");
        assert!(accepts(&public, &message, &hex(case, "sig")), "{case}");
        let bad = accepts(&public, &message, &hex(case, "bad_sig"));
        assert_eq!(case["bad_sig_valid"].as_bool().unwrap(), bad, "{case}");
        assert!(accepts(&public, &message, &ours), "{case}");
        count.ran();
    }
    count.finish(cases.len());
}
