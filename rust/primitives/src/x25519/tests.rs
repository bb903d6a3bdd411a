// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compares aws-lc with its portable twin, and tests the refusals of signal.md §2.1.
use curve25519_dalek::montgomery::MontgomeryPoint;

use super::*;
use crate::sha;

/// Reproducible bytes that look random: a hash of the case's number.
fn bytes(domain: u8, case: u32) -> [u8; 32] {
    sha::sha256(&[&[domain], &case.to_be_bytes()])
}

/// Every point of low order, and their non-canonical encodings (RFC 7748 §6.1 and p + 0, p + 1).
fn low_order() -> Vec<[u8; 32]> {
    let mut p = [0xff; 32];
    (p[0], p[31]) = (0xed, 0x7f);
    let order_eight = [
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    ];
    let mut points: Vec<[u8; 32]> = order_eight.iter().map(|text| unhex(text)).collect();
    for offset in [0x00, 0x01] {
        let mut point = [0; 32];
        point[0] = offset;
        points.push(point);
    }
    for low in [0xec, 0xed, 0xee] {
        let mut point = p;
        point[0] = low;
        points.push(point);
    }
    points
}

fn unhex(text: &str) -> [u8; 32] {
    core::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
}

#[test]
fn both_implementations_agree_on_random_inputs() {
    for case in 0..500 {
        let key = PrivateKey::from_bytes(&bytes(0, case));
        let point = bytes(1, case);

        let twin = MontgomeryPoint(point).mul_clamped(*key.expose());

        assert_eq!(twin.as_bytes(), key.agree(&PublicKey::new(point)).unwrap().expose());
    }
}

#[test]
fn both_implementations_agree_on_public_halves() {
    for case in 0..500 {
        let secret = bytes(0, case);

        let twin = MontgomeryPoint::mul_base_clamped(secret);

        assert_eq!(twin.as_bytes(), PrivateKey::from_bytes(&secret).public().as_bytes());
    }
}

#[test]
fn both_implementations_agree_on_unusual_points() {
    let mut points = low_order();
    for low in 0xe8..=0xff {
        let mut point = [0xff; 32];
        (point[0], point[31]) = (low, 0x7f);
        points.push(point);
    }
    for point in points.clone() {
        let mut with_top_bit = point;
        with_top_bit[31] |= 0x80;
        points.push(with_top_bit);
    }
    for (case, point) in points.into_iter().enumerate() {
        let secret = Secret::new(bytes(2, u32::try_from(case).unwrap()));

        let twin = MontgomeryPoint(point).mul_clamped(*secret.expose());

        assert_eq!(twin.as_bytes(), multiply(&secret, &PublicKey::new(point)).expose());
    }
}

#[test]
fn low_order_points_are_refused_and_not_canonical() {
    let key = PrivateKey::from_bytes(&bytes(3, 0));

    for point in low_order() {
        assert_eq!(Err(Error::InvalidKey), key.agree(&PublicKey::new(point)).map(|_| ()));
        assert!(!PublicKey::new(point).is_canonical(), "{point:02x?}");
    }
}

#[test]
fn honest_keys_are_canonical_and_their_other_encodings_are_not() {
    for case in 0..20 {
        let public = *PrivateKey::from_bytes(&bytes(4, case)).public();
        let mut with_top_bit = *public.as_bytes();
        with_top_bit[31] |= 0x80;

        assert!(public.is_canonical());
        assert!(!PublicKey::new(with_top_bit).is_canonical());
    }
}

#[test]
fn points_of_the_twist_and_with_torsion_are_not_canonical() {
    let mut seen = [0; 3];
    for case in 0..2_000 {
        let mut point = bytes(5, case);
        point[31] &= 0x7f;
        let kind = match MontgomeryPoint(point).to_edwards(0) {
            None => 0,
            Some(edwards) if !edwards.is_torsion_free() => 1,
            Some(_) => 2,
        };
        seen[kind] += 1;

        assert_eq!(kind == 2, PublicKey::new(point).is_canonical());
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

#[test]
fn the_limit_of_reduced_numbers_is_p() {
    let mut bytes = [0xff; 32];
    (bytes[0], bytes[31]) = (0xec, 0x7f);
    assert!(PublicKey::new(bytes).is_reduced());

    bytes[0] = 0xed;
    assert!(!PublicKey::new(bytes).is_reduced());
    bytes[15] = 0xfe;
    assert!(PublicKey::new(bytes).is_reduced());
    bytes[31] = 0x80;
    assert!(!PublicKey::new(bytes).is_reduced());
}

#[test]
fn secrets_are_clamped_on_every_way_in() {
    let key = PrivateKey::from_bytes(&[0; 32]);
    let ones = PrivateKey::from_parts(Secret::new([0xff; 32]), *key.public());

    assert_eq!((0, 0x40), (key.expose()[0], key.expose()[31]));
    assert_eq!((0xf8, 0x7f), (ones.expose()[0], ones.expose()[31]));
    assert_eq!("PrivateKey(..)", format!("{key:?}"));
}
