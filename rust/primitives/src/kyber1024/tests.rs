// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests the two roles against each other and the refusals of signal.md §2.2.
use super::*;

struct Fixed;

impl Random for Fixed {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(0x3c);
        Ok(())
    }
}

struct Broken;

impl Random for Broken {
    fn fill(&mut self, _out: &mut [u8]) -> Result<(), Error> {
        Err(Error::RandomUnavailable)
    }
}

#[test]
fn both_sides_agree_on_the_secret() {
    let key = DecapsulationKey::generate(&mut Fixed).unwrap();

    let (ciphertext, shared) = encapsulate(&key.public(), &mut Fixed).unwrap();

    assert!(shared.ct_eq(&key.decapsulate(&ciphertext)));
}

#[test]
fn seed_and_expanded_form_are_the_same_key() {
    let seed = DecapsulationKey::generate(&mut Fixed).unwrap();
    let bytes = seed.with_expanded(|key| *key.expose());
    let expanded = DecapsulationKey::from_expanded(&bytes).unwrap();
    let (ciphertext, shared) = encapsulate(&seed.public(), &mut Fixed).unwrap();

    assert_eq!(seed.public(), expanded.public());
    assert!(shared.ct_eq(&expanded.decapsulate(&ciphertext)));
}

#[test]
fn an_altered_ciphertext_gives_another_secret() {
    let key = DecapsulationKey::generate(&mut Fixed).unwrap();
    let (mut ciphertext, shared) = encapsulate(&key.public(), &mut Fixed).unwrap();

    ciphertext[1567] ^= 1;

    assert!(!shared.ct_eq(&key.decapsulate(&ciphertext)));
}

#[test]
fn an_imported_key_with_another_hash_is_refused() {
    let key = DecapsulationKey::generate(&mut Fixed).unwrap();
    let bytes = key.with_expanded(|key| *key.expose());

    for position in [1536, 3103, 3104, 3135] {
        let mut altered = bytes;
        altered[position] ^= 1;
        let verdict = DecapsulationKey::from_expanded(&altered).map(|_| ());
        assert_eq!(Err(Error::InvalidKey), verdict, "byte {position}");
    }
}

#[test]
fn a_failing_random_source_gives_no_ciphertext() {
    let key = DecapsulationKey::generate(&mut Fixed).unwrap();

    assert_eq!(Err(Error::RandomUnavailable), encapsulate(&key.public(), &mut Broken).map(|_| ()));
    assert_eq!(Err(Error::RandomUnavailable), DecapsulationKey::generate(&mut Broken).map(|_| ()));
}

#[test]
fn a_key_that_forgot_what_it_expanded_to_is_the_same_key() {
    let mut key = DecapsulationKey::generate(&mut Fixed).unwrap();
    let (ciphertext, shared) = encapsulate(&key.public(), &mut Fixed).unwrap();
    let before = key.public();

    key.forget_expanded();

    assert!(matches!(&key, DecapsulationKey::Seed { expanded: None, .. }));
    assert_eq!(before, key.public());
    assert!(shared.ct_eq(&key.decapsulate(&ciphertext)));
}
