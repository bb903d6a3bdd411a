// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests what the vectors cannot reach: every altered bit, both signs, and s + L.
use curve25519_dalek::constants::EIGHT_TORSION;

use super::*;
use crate::sha;

struct Counter(u8);

impl Random for Counter {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(self.0);
        self.0 += 1;
        Ok(())
    }
}

fn key(case: u8) -> PrivateKey {
    PrivateKey::from_bytes(&sha::sha256(&[&[case]]))
}

#[test]
fn keys_of_both_signs_sign_and_verify() {
    let mut signs = [0; 2];
    for case in 0..40 {
        let key = key(case);

        let signature = sign(&key, &[b"mess", b"age"], &mut Counter(case)).unwrap();

        assert_eq!(Ok(()), verify(key.public(), &[b"message"], &signature));
        signs[usize::from(signature[63] >> 7)] += 1;
    }
    assert!(signs.iter().all(|count| *count > 0), "{signs:?}");
}

#[test]
fn a_key_that_has_signed_signs_as_a_fresh_one() {
    for case in 0..40 {
        let key = key(case);
        sign(&key, &[b"first"], &mut Counter(case)).unwrap();

        let second = sign(&key, &[b"second"], &mut Counter(case)).unwrap();

        assert_eq!(sign(&key.duplicate(), &[b"second"], &mut Counter(case)), Ok(second));
        assert_eq!(SigningKey::new(key).sign(&[b"second"], &mut Counter(case)), Ok(second));
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let key = key(1);
    let signature = sign(&key, &[b"message"], &mut Counter(0)).unwrap();

    for bit in 0..512 {
        let mut forged = signature;
        forged[bit / 8] ^= 1 << (bit % 8);
        let verdict = verify(key.public(), &[b"message"], &forged);
        assert_eq!(Err(Error::BadSignature), verdict, "bit {bit}");
    }
}

#[test]
fn another_message_or_key_is_refused() {
    let signature = sign(&key(1), &[b"message"], &mut Counter(0)).unwrap();

    let other_message = verify(key(1).public(), &[b"messages"], &signature);
    let other_key = verify(key(2).public(), &[b"message"], &signature);

    assert_eq!((Err(Error::BadSignature), Err(Error::BadSignature)), (other_message, other_key));
}

#[test]
fn a_response_increased_by_the_group_order_is_refused() {
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let key = key(1);
    let mut signature = sign(&key, &[b"message"], &mut Counter(0)).unwrap();
    let sign_bit = signature[63] & SIGN_BIT;
    signature[63] ^= sign_bit;

    let mut carry = 0;
    for (byte, addend) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(addend) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    signature[63] |= sign_bit;

    assert_eq!(Err(Error::BadSignature), verify(key.public(), &[b"message"], &signature));
}

#[test]
fn another_form_of_the_signing_key_is_refused() {
    let key = key(1);
    let signature = sign(&key, &[b"message"], &mut Counter(0)).unwrap();
    let mut other_form = *key.public().as_bytes();
    other_form[31] |= 0x80;

    let verdict = verify(&PublicKey::new(other_form), &[b"message"], &signature);

    assert_eq!(Err(Error::BadSignature), verdict);
}

#[test]
fn points_of_the_twist_and_minus_one_are_refused() {
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let twist = (0..50)
        .map(|case| sha::sha256(&[&[case]]))
        .find(|u| MontgomeryPoint(*u).to_edwards(0).is_none())
        .unwrap();

    for point in [minus_one, twist] {
        let verdict = verify(&PublicKey::new(point), &[], &[0; 64]);
        assert_eq!(Err(Error::BadSignature), verdict);
    }
}

/// Verification as one formula over the whole signature, with nothing kept between two of them.
fn formula(key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> bool {
    let commitment: [u8; 32] = *signature.first_chunk().unwrap();
    let mut response: [u8; 32] = *signature.last_chunk().unwrap();
    let sign = response[31] >> 7;
    response[31] &= !SIGN_BIT;
    let response = Option::<Scalar>::from(Scalar::from_canonical_bytes(response));
    let point = MontgomeryPoint(*key.as_bytes()).to_edwards(sign);
    let (Some(response), Some(point), true) = (response, point, key.is_reduced()) else {
        return false;
    };
    let challenge = hash(&[&commitment, &point.compress().to_bytes()], &[message], &[]);
    (EdwardsPoint::mul_base(&response) - point * *challenge).compress().to_bytes() == commitment
}

/// The key's verdicts on these signatures, all of them by the same kept key, against the formula.
fn agree(key: PublicKey, signatures: &[[u8; 64]], messages: &[&[u8]]) -> usize {
    let kept = VerifyingKey::new(key);
    let mut accepted = 0;
    for signature in signatures {
        for message in messages {
            let expected = formula(&key, message, signature);
            assert_eq!(expected, verify(&key, &[message], signature).is_ok());
            assert_eq!(expected, kept.verify(&[message], signature).is_ok());
            accepted += usize::from(expected);
        }
    }
    accepted
}

#[test]
fn a_kept_key_accepts_what_a_fresh_one_accepts() {
    for case in 0..20 {
        let key = key(case);
        let signature = sign(&key, &[b"message"], &mut Counter(case)).unwrap();
        let mut signatures = vec![signature];
        for bit in (0..512).step_by(7).chain([511]) {
            let mut forged = signature;
            forged[bit / 8] ^= 1 << (bit % 8);
            signatures.push(forged);
        }

        assert_eq!(1, agree(*key.public(), &signatures, &[b"message", b"other"]));
    }
}

#[test]
fn a_kept_key_with_torsion_accepts_what_a_fresh_one_accepts() {
    let points = EIGHT_TORSION;
    let low_order: Vec<_> = points.iter().map(EdwardsPoint::to_montgomery).collect();
    let mixed = points.iter().map(|point| point + EdwardsPoint::mul_base(&Scalar::ONE));
    let keys = low_order.into_iter().chain(mixed.map(|point| point.to_montgomery()));
    let texts: Vec<[u8; 1]> = (0..40).map(|text| [text]).collect();
    let messages: Vec<&[u8]> = texts.iter().map(<[u8; 1]>::as_slice).collect();
    let mut accepted = 0;

    for key in keys {
        // s = 0 and R of low order: right by chance, if the challenge times the key is just R.
        let mut signatures = vec![];
        for commitment in points.iter().map(EdwardsPoint::compress) {
            for last in [0, SIGN_BIT] {
                let mut signature = [0; 64];
                signature[..32].copy_from_slice(commitment.as_bytes());
                signature[63] = last;
                signatures.push(signature);
            }
        }
        accepted += agree(PublicKey::new(key.to_bytes()), &signatures, &messages);
    }

    assert!(accepted > 0, "no signature of low order was right");
}
