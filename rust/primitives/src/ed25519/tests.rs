// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests what the vectors cannot reach: both forms of a key, every altered bit, and small orders.
use curve25519_dalek::constants::EIGHT_TORSION;

use super::*;

fn seed(case: u8) -> Secret<32> {
    Secret::new(sha::sha256(&[&[case]]))
}

fn key(case: u8) -> SigningKey {
    SigningKey::from_seed(seed(case))
}

fn expanded(case: u8) -> SigningKey {
    SigningKey::from_expanded(key(case).expanded()).unwrap()
}

#[test]
fn both_forms_of_a_key_are_one_key() {
    for case in 0..40 {
        let (seed, expanded) = (key(case), expanded(case));
        let message = vec![case; usize::from(case) * 9];

        assert_eq!(seed.public(), expanded.public());
        assert_eq!(seed.sign(&message), expanded.sign(&message));
        assert!(seed.expanded().ct_eq(&expanded.expanded()));
        assert_eq!(Ok(()), verify(seed.public(), &message, &seed.sign(&message)));
    }
}

#[test]
fn a_stored_key_signs_as_before() {
    for key in [key(3), expanded(3)] {
        let stored = SigningKey::from_parts(&key.expose(), *key.public());

        assert_eq!(key.public(), stored.public());
        assert_eq!(key.sign(b"message"), stored.sign(b"message"));
        assert_eq!(
            matches!(key.expose(), PrivateHalf::Seed(_)),
            matches!(stored.expose(), PrivateHalf::Seed(_))
        );
    }
}

#[test]
fn a_scalar_that_is_not_clamped_is_refused() {
    for (at, bit) in [(0, 0), (0, 1), (0, 2), (31, 6), (31, 7)] {
        let mut altered = *key(1).expanded().expose();
        altered[at] ^= 1 << bit;
        let refused = SigningKey::from_expanded(Secret::new(altered)).err();
        assert_eq!(Some(Error::InvalidKey), refused, "byte {at}, bit {bit}");
    }
}

#[test]
fn debug_shows_no_private_half() {
    let key = key(1);

    let shown = format!("{key:?} {:?} {:?}", key.expose(), expanded(1).expose());

    assert_eq!(format!("SigningKey({:?}, ..) Seed(..) Expanded(..)", key.public()), shown);
}

#[test]
fn every_flipped_bit_is_refused() {
    let key = key(1);
    let kept = VerifyingKey::new(*key.public());
    let signature = key.sign(b"message");
    assert_eq!(Ok(()), kept.verify(b"message", &signature));

    for bit in 0..512 {
        let mut forged = signature;
        forged[bit / 8] ^= 1 << (bit % 8);
        let verdict = verify(key.public(), b"message", &forged);
        assert_eq!(Err(Error::BadSignature), verdict, "bit {bit}");
        assert_eq!(Err(Error::BadSignature), kept.verify(b"message", &forged), "bit {bit}");
    }
    for bit in 0..256 {
        let mut other = *key.public().as_bytes();
        other[bit / 8] ^= 1 << (bit % 8);
        let verdict = verify(&PublicKey::new(other), b"message", &signature);
        assert_eq!(Err(Error::BadSignature), verdict, "bit {bit} of the key");
    }
    assert_eq!(Err(Error::BadSignature), verify(key.public(), b"messages", &signature));
}

#[test]
fn a_response_increased_by_the_group_order_is_refused() {
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut signature = key(1).sign(b"message");
    let mut carry = 0;
    for (byte, addend) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(addend) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }

    assert_eq!(Err(Error::BadSignature), verify(key(1).public(), b"message", &signature));
}

#[test]
fn keys_of_small_order_and_second_forms_of_keys_are_refused() {
    let mut refused = EIGHT_TORSION.map(|point| point.compress().to_bytes()).to_vec();
    for low in 0xed..=0xff_u8 {
        for high in [0x7f, 0xff] {
            let mut second = [0xff; 32];
            (second[0], second[31]) = (low, high);
            refused.push(second);
        }
    }

    for bytes in refused {
        let key = PublicKey::new(bytes);
        assert_eq!(Err(Error::InvalidKey), VerifyingKey::new(key).check(), "{bytes:?}");
        assert_eq!(Err(Error::BadSignature), verify(&key, b"", &[0; 64]), "{bytes:?}");
    }
    assert_eq!(Ok(()), VerifyingKey::new(*key(1).public()).check());
}

/// A commitment of small order verifies without this rule: s = k·a under a nonce of zero.
#[test]
fn a_commitment_of_small_order_is_refused() {
    let key = key(1);
    for torsion in EIGHT_TORSION {
        let commitment = torsion.compress().to_bytes();
        let challenge = xeddsa::hash(&[&commitment, key.public().as_bytes()], &[b"text"], &[]);
        let response = *challenge * *scalar(&key.expanded());
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&commitment);
        signature[32..].copy_from_slice(response.as_bytes());

        assert_eq!(Err(Error::BadSignature), verify(key.public(), b"text", &signature));
    }
}

/// Verification as `verify_strict` of the peers writes it down, R decoded and nothing kept.
fn formula(key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> bool {
    let commitment = CompressedEdwardsY(*signature.first_chunk().unwrap());
    let response = Scalar::from_canonical_bytes(*signature.last_chunk().unwrap());
    let (Some(response), Some(commitment_point), Some(point)) = (
        Option::<Scalar>::from(response),
        commitment.decompress(),
        CompressedEdwardsY(*key.as_bytes()).decompress(),
    ) else {
        return false;
    };
    let challenge = xeddsa::hash(&[commitment.as_bytes(), key.as_bytes()], &[message], &[]);
    !commitment_point.is_small_order()
        && !point.is_small_order()
        && (EdwardsPoint::mul_base(&response) - point * *challenge).compress() == commitment
}

#[test]
fn a_kept_key_with_torsion_accepts_what_the_formula_accepts() {
    let mut verdicts = [0; 2];
    for case in 0..32 {
        let key = key(case);
        let torsion = EIGHT_TORSION[usize::from(case % 8)];
        let point = CompressedEdwardsY(*key.public().as_bytes()).decompress().unwrap() + torsion;
        let mixed = PublicKey::new(point.compress().to_bytes());
        let kept = VerifyingKey::new(mixed);
        for number in 0..8_u8 {
            let signature = sign_expanded(&key.expanded(), &mixed, &[number]);

            let expected = formula(&mixed, &[number], &signature);
            assert_eq!(expected, verify(&mixed, &[number], &signature).is_ok());
            assert_eq!(expected, kept.verify(&[number], &signature).is_ok());
            verdicts[usize::from(expected)] += 1;
        }
    }
    assert!(verdicts.iter().all(|count| *count > 0), "{verdicts:?}");
}
