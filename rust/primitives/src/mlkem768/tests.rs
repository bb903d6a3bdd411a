// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests both halves against each other and every refusal of spqr.md §5.
use super::*;

fn key() -> DecapsulationKey {
    DecapsulationKey::Seed(Secret::new(core::array::from_fn(|i| i.to_le_bytes()[0])))
}

/// A header that names any vector, so that only the coefficients can be at fault.
fn header_of(vector: &[u8; VECTOR_LEN]) -> [u8; HEADER_LEN] {
    let mut header = [5; HEADER_LEN];
    let hash = sha::sha3_256(&[vector, &header[..32]]);
    header[32..].copy_from_slice(&hash);
    header
}

#[test]
fn both_sides_agree_on_the_secret() {
    let key = key();
    let message = Secret::new([3; 32]);

    let (ct1, shared) = encapsulate1(&key.header(), &message);
    let ct2 = encapsulate2(&key.header(), &message, &key.vector());

    assert!(shared.ct_eq(&key.decapsulate(&ct1, &ct2)));
}

#[test]
fn an_altered_ciphertext_gives_another_secret_and_always_the_same() {
    let key = key();
    let message = Secret::new([3; 32]);
    let (mut ct1, shared) = encapsulate1(&key.header(), &message);
    let ct2 = encapsulate2(&key.header(), &message, &key.vector());

    ct1[0] ^= 1;

    assert!(!shared.ct_eq(&key.decapsulate(&ct1, &ct2)));
    assert!(key.decapsulate(&ct1, &ct2).ct_eq(&key.decapsulate(&ct1, &ct2)));
}

#[test]
fn the_lengths_are_those_of_the_braid() {
    assert_eq!((2400, 64), (EXPANDED_LEN, incremental::pk1_len()));
    assert_eq!(VECTOR_LEN, incremental::pk2_len());
}

#[test]
fn the_honest_vector_passes_and_each_altered_byte_does_not() {
    let (header, vector) = (key().header(), key().vector());

    assert!(check(&header, &vector));
    for position in (0..VECTOR_LEN).step_by(97).chain([VECTOR_LEN - 1]) {
        let mut altered = vector.clone();
        altered[position] ^= 1;
        assert!(!check(&header, &altered), "byte {position}");
    }
}

#[test]
fn an_altered_header_is_refused() {
    for position in [0, 31, 32, 63] {
        let mut header = key().header();
        header[position] ^= 1;
        assert!(!check(&header, &key().vector()), "byte {position}");
    }
}

#[test]
fn the_limit_of_every_coefficient_is_the_modulus() {
    for index in 0..768 {
        for (value, expected) in [(3328_u16, true), (3329, false), (4095, false)] {
            let mut vector = [0; VECTOR_LEN];
            let at = index / 2 * 3;
            let [low, high] =
                if index % 2 == 0 { value.to_le_bytes() } else { (value << 4).to_le_bytes() };
            let at = at + index % 2;
            (vector[at], vector[at + 1]) = (low, high);

            assert_eq!(expected, check(&header_of(&vector), &vector), "{index} {value}");
        }
    }
}

#[test]
fn an_imported_key_with_another_hash_is_refused() {
    let bytes = key().with_expanded(|key| *key.expose());
    for position in [1152, 2303, 2304, 2335, 2336, 2367] {
        let mut altered = bytes;
        altered[position] ^= 1;
        let verdict = DecapsulationKey::from_expanded(&altered).map(|_| ());
        assert_eq!(Err(Error::InvalidKey), verdict, "byte {position}");
    }
    assert!(DecapsulationKey::from_expanded(&bytes).is_ok());
}
