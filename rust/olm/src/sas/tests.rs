// SPDX-License-Identifier: MIT OR Apache-2.0
//! Two sides that verify each other, and those that must not succeed.

use super::*;

struct Counting(u8);

impl Random for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.0 += 1;
        out.fill(self.0);
        Ok(())
    }
}

const START: &[u8] = br#"{"method":"m.sas.v1"}"#;
const OURS: NamedKey<'static> = NamedKey { id: "ed25519:ADEV", text: "device key" };
const MASTER: NamedKey<'static> = NamedKey { id: "ed25519:MASTER", text: "master key" };
const METHODS: [MacMethod; 2] = [MacMethod::HkdfHmacSha256V2, MacMethod::HkdfHmacSha256];

fn between(ours: &str, theirs: &str) -> Between {
    Between {
        our_user: format!("@{ours}:example.org"),
        our_device: format!("{ours}-device"),
        their_user: format!("@{theirs}:example.org"),
        their_device: format!("{theirs}-device"),
        transaction: "txn".to_owned(),
    }
}

fn both() -> [Established; 2] {
    let random = &mut Counting(0);
    let acceptor = Acceptor::new(random).unwrap();
    let starter = Starter::new(acceptor.commitment(START), random).unwrap();
    let (starts, accepts) = (*starter.public_key(), *acceptor.public_key());
    [
        starter.agree(&accepts, START, between("a", "b")).unwrap(),
        acceptor.agree(&starts, between("b", "a")).unwrap(),
    ]
}

#[test]
fn both_sides_see_the_same_string() {
    let [one, other] = both();
    for agreement in [KeyAgreement::Curve25519HkdfSha256, KeyAgreement::Curve25519] {
        assert_eq!(
            one.short_string(agreement).bytes(),
            other.short_string(agreement).bytes(),
            "{agreement:?}"
        );
    }
    let strings = [KeyAgreement::Curve25519HkdfSha256, KeyAgreement::Curve25519]
        .map(|agreement| *one.short_string(agreement).bytes());
    assert_ne!(strings[0], strings[1]);
}

#[test]
fn a_key_that_was_not_committed_to_is_forged() {
    let random = &mut Counting(0);
    let acceptor = Acceptor::new(random).unwrap();
    let other = *Acceptor::new(random).unwrap().public_key();
    let commitment = acceptor.commitment(START);
    let starter = || Starter::new(commitment, &mut Counting(9)).unwrap();
    let verdict =
        |key: &PublicKey, start: &[u8]| starter().agree(key, start, between("a", "b")).map(|_| ());

    assert_eq!(Ok(()), verdict(acceptor.public_key(), START));
    assert_eq!(Err(Error::Forged), verdict(&other, START));
    assert_eq!(Err(Error::Forged), verdict(acceptor.public_key(), b"{}"));
    for bit in 0..256 {
        let mut wrong = commitment;
        wrong[bit / 8] ^= 1 << (bit % 8);
        let verdict = Starter::new(wrong, &mut Counting(9)).unwrap().agree(
            acceptor.public_key(),
            START,
            between("a", "b"),
        );
        assert_eq!(Err(Error::Forged), verdict.map(|_| ()), "bit {bit}");
    }
}

#[test]
fn a_key_that_cannot_be_used_is_refused() {
    let ours = *Acceptor::new(&mut Counting(0)).unwrap().public_key();
    let mut top_bit = *Acceptor::new(&mut Counting(5)).unwrap().public_key().as_bytes();
    top_bit[31] |= 0x80;
    for key in [PublicKey::new([0; 32]), PublicKey::new([0xff; 32]), PublicKey::new(top_bit), ours]
    {
        let verdict = Acceptor::new(&mut Counting(0)).unwrap().agree(&key, between("b", "a"));
        assert_eq!(Err(Error::InvalidKey), verdict.map(|_| ()));
    }
}

#[test]
fn keys_that_are_vouched_for_are_verified() {
    let [one, other] = both();
    for method in METHODS {
        let macs = one.mac_keys(method, &[OURS, MASTER]);

        assert_eq!(
            Ok(vec![OURS.id, MASTER.id]),
            other.verify_keys(method, &macs, &[MASTER, OURS]),
            "{method:?}"
        );
        assert_eq!(Ok(vec![OURS.id]), other.verify_keys(method, &macs, &[OURS]));
    }
}

#[test]
fn macs_come_back_to_their_own_sender_as_forged() {
    let [one, _] = both();
    for method in METHODS {
        let macs = one.mac_keys(method, &[OURS]);
        assert_eq!(Err(Error::Forged), one.verify_keys(method, &macs, &[OURS]));
    }
}

#[test]
fn another_key_an_unknown_key_or_another_list_verifies_nothing() {
    let [one, other] = both();
    for method in METHODS {
        let macs = one.mac_keys(method, &[OURS, MASTER]);
        let refused = |macs: &KeyMacs, known: &[NamedKey<'_>]| {
            assert_eq!(Err(Error::Forged), other.verify_keys(method, macs, known).map(|_| ()));
        };

        refused(&macs, &[]);
        refused(&macs, &[NamedKey { id: "ed25519:OTHER", text: OURS.text }]);
        refused(&macs, &[OURS, NamedKey { text: "another", ..MASTER }]);
        let mut fewer = macs.clone();
        fewer.keys.pop();
        refused(&fewer, &[OURS]);
        let mut twice = macs.clone();
        twice.keys.push(macs.keys[0].clone());
        refused(&twice, &[OURS]);
        let mut exchanged = macs.clone();
        exchanged.keys[0].1 = macs.keys[1].1.clone();
        refused(&exchanged, &[OURS]);
        for wrong in ["", "AAAA", &"A".repeat(43)] {
            refused(&KeyMacs { ids: wrong.to_owned(), ..macs.clone() }, &[OURS]);
        }
    }
}

#[test]
fn one_method_is_not_read_as_the_other() {
    let [one, other] = both();
    let [new, old] = METHODS.map(|method| one.mac(method, OURS.id, OURS.text));

    assert_ne!(new, old);
    assert_eq!(new[..4], old[..4]);
    assert_eq!(Err(Error::Forged), other.verify_mac(METHODS[0], OURS.id, OURS.text, &old));
    assert_eq!(Err(Error::Forged), other.verify_mac(METHODS[1], OURS.id, OURS.text, &new));
}
