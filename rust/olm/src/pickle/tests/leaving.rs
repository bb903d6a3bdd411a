// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is given away must not send here any more.

use e2ee_state::{Sealer, Stage};

use super::*;
use crate::{megolm::StandaloneOutbound, standalone::StandaloneSession};

fn families() -> [Pickles; 2] {
    [Pickles::libolm(b"any key"), Pickles::vodozemac(&[7; 32]).unwrap()]
}

fn sealer() -> Sealer {
    Sealer::standalone(e2ee_primitives::Secret::new([1; 32]))
}

fn session() -> StandaloneSession {
    let [_, sender, _] = sessions();
    StandaloneSession::new(&sealer(), sender)
}

#[test]
fn a_session_is_stale_only_once_its_pickle_is_given() {
    for pickles in families() {
        let mut session = session();

        let length = pickles.write_session(&mut session).unwrap().length();
        assert_eq!(Stage::Ready, *session.stage());

        let pickle = pickles.write_session(&mut session).unwrap().give();
        assert_eq!(length, pickle.len());
        assert_eq!(Stage::Stale, *session.stage());
        assert_eq!(Some(Error::Stale), pickles.write_session(&mut session).err());
    }
}

#[test]
fn an_outbound_session_is_stale_only_once_its_pickle_is_given() {
    for pickles in families() {
        let mut outbound = StandaloneOutbound::new(&sealer(), groups().0);

        let length = pickles.write_outbound(&mut outbound).unwrap().length();
        assert_eq!(Stage::Ready, *outbound.stage());

        let pickle = pickles.write_outbound(&mut outbound).unwrap().give();
        assert_eq!(length, pickle.len());
        assert_eq!(Stage::Stale, *outbound.stage());
        assert_eq!(Some(Error::Stale), pickles.write_outbound(&mut outbound).err());
    }
}

#[test]
fn nothing_is_given_away_while_a_step_is_open() {
    for pickles in families() {
        let (mut session, mut outbound) =
            (session(), StandaloneOutbound::new(&sealer(), groups().0));
        *session.stage() = Stage::Open;
        *outbound.stage() = Stage::Open;

        assert_eq!(Some(Error::Stale), pickles.write_session(&mut session).err());
        assert_eq!(Some(Error::Stale), pickles.write_outbound(&mut outbound).err());
        assert_eq!((Stage::Open, Stage::Open), (*session.stage(), *outbound.stage()));
    }
}

#[test]
fn each_family_reads_its_own_alone() {
    let [libolm, _] = families();
    // Of one key, so that the pickle opens and is of the other program.
    let vodozemac = Pickles::vodozemac(&[7; 32]).unwrap();
    let same_key = Pickles::libolm(&[7; 32]);
    let written = vodozemac.write_account(&account()).unwrap();

    assert!(vodozemac.read_account(&written).is_ok());
    assert_eq!(Some(Error::UnsupportedVersion), same_key.read_account(&written).err());
    assert_eq!(Some(Error::Forged), libolm.read_account(&written).err());
    let written = same_key.write_account(&account()).unwrap();
    assert_eq!(Some(Error::Malformed), vodozemac.read_account(&written).err());
}

#[test]
fn the_key_of_vodozemacs_pickles_has_32_bytes() {
    for length in [0, 31, 33] {
        let key = vec![7; length];

        assert_eq!(Some(Error::InvalidArgument), Pickles::vodozemac(&key).err(), "{length}");
    }
}

#[test]
fn vodozemac_has_no_pickle_of_the_key_of_a_backup() {
    let [libolm, vodozemac] = families();
    let key = x25519::PrivateKey::random(&mut Counter(1)).unwrap();
    let pickle = libolm.write_decryption(&key).unwrap();

    assert_eq!(key.public(), libolm.read_decryption(&pickle).unwrap().public());
    assert_eq!(Some(Error::InvalidArgument), vodozemac.write_decryption(&key).err());
    assert_eq!(Some(Error::InvalidArgument), vodozemac.read_decryption(&pickle).err());
}
