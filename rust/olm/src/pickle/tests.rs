// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pickles of our own states; the recorded ones of both peers are in tests/conformance.

use super::*;
use crate::{
    account::Account,
    megolm::{InboundGroupSession, OutboundGroupSession},
    people::{Counter, connected, initiated, send, turn},
    session::Session,
};

fn account() -> Account {
    let random = &mut Counter(70);
    let mut account = Account::generate(random).unwrap();
    account.one_time_keys_mut().generate(2, random).unwrap();
    account.one_time_keys_mut().generate_fallback(random).unwrap();
    account.one_time_keys_mut().mark_as_published();
    account.one_time_keys_mut().generate(1, random).unwrap();
    account.one_time_keys_mut().generate_fallback(random).unwrap();
    account
}

/// One that has opened nothing, one that sends, and one that received last and lacks messages.
fn sessions() -> [Session; 3] {
    let random = &mut Counter(80);
    let (fresh, _) = initiated(random);
    let (mut sender, mut receiver) = connected(random);
    turn(&mut receiver, &mut sender, random);
    let _lost = send(&mut sender, b"lost", random);
    let message = send(&mut sender, b"text", random);
    crate::people::receive(&mut receiver, &message).unwrap();
    [fresh, sender, receiver]
}

fn identities(session: &Session) -> Identities {
    let (first, theirs) = (session.keys().identity_key, *session.their_identity());
    let ours = if first == theirs { x25519::PublicKey::new([7; 32]) } else { first };
    Identities { ours, theirs }
}

fn groups() -> (OutboundGroupSession, InboundGroupSession) {
    let mut outbound = OutboundGroupSession::create(&mut Counter(90)).unwrap();
    outbound.encrypt(b"text").unwrap();
    let inbound = InboundGroupSession::from_session_key(outbound.session_key().expose()).unwrap();
    (outbound, inbound)
}

/// A plaintext, and what reads such a one and writes it again.
type Case = (&'static str, SecretBytes, Box<dyn Fn(&[u8]) -> Result<SecretBytes, Error>>);

fn of_libolm() -> Vec<Case> {
    let (outbound, inbound) = groups();
    let key = x25519::PrivateKey::random(&mut Counter(1)).unwrap();
    let mut cases: Vec<Case> = vec![
        (
            "account",
            libolm::write_account(&account()).unwrap(),
            Box::new(|plain| libolm::write_account(&libolm::account(plain)?)),
        ),
        (
            "outbound",
            libolm::write_outbound(&outbound),
            Box::new(|plain| libolm::outbound(plain).map(|read| libolm::write_outbound(&read))),
        ),
        (
            "inbound",
            libolm::write_inbound(&inbound),
            Box::new(|plain| libolm::inbound(plain).map(|read| libolm::write_inbound(&read))),
        ),
        (
            "decryption",
            libolm::write_decryption(&key),
            Box::new(|plain| libolm::decryption(plain).map(|read| libolm::write_decryption(&read))),
        ),
    ];
    for session in sessions() {
        let identities = identities(&session);
        let read = move |plain: &[u8]| {
            libolm::session(plain, &identities).map(|read| libolm::write_session(&read))
        };
        cases.push(("session", libolm::write_session(&session), Box::new(read)));
    }
    cases
}

fn of_vodozemac() -> Vec<Case> {
    let (outbound, inbound) = groups();
    let mut cases: Vec<Case> = vec![
        (
            "account",
            vodozemac::write_account(&account()),
            Box::new(|plain| vodozemac::account(plain).map(|it| vodozemac::write_account(&it))),
        ),
        (
            "outbound",
            vodozemac::write_outbound(&outbound),
            Box::new(|plain| vodozemac::outbound(plain).map(|it| vodozemac::write_outbound(&it))),
        ),
        (
            "inbound",
            vodozemac::write_inbound(&inbound),
            Box::new(|plain| vodozemac::inbound(plain).map(|it| vodozemac::write_inbound(&it))),
        ),
    ];
    for session in sessions() {
        let identities = identities(&session);
        let read = move |plain: &[u8]| {
            vodozemac::session(plain, &identities).map(|read| vodozemac::write_session(&read))
        };
        cases.push(("session", vodozemac::write_session(&session), Box::new(read)));
    }
    cases
}

#[test]
fn a_pickle_opens_under_its_key_alone_and_unaltered() {
    let plain = SecretBytes::new(b"plaintext of some bytes".to_vec());
    for key in [&b""[..], b"any bytes", &[7; 32]] {
        let pickle = seal(&plain, key);

        assert_eq!(plain.expose(), open(&pickle, key).unwrap().expose());
        assert_eq!(Some(Error::Forged), open(&pickle, b"other").err());
        let sealed = base64::decode(&pickle).unwrap();
        for bit in 0..8 * sealed.len() {
            let mut altered = sealed.expose().to_vec();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Some(Error::Forged), open(&base64::encode(&altered), key).err(), "{bit}");
        }
        for length in 0..sealed.len() {
            let short = base64::encode(&sealed.expose()[..length]);
            let expected = if length < TAG_LEN { Error::Malformed } else { Error::Forged };
            assert_eq!(Some(expected), open(&short, key).err(), "{length}");
        }
    }
    assert_eq!(Some(Error::Malformed), open("no base64!", b"").err());
}

#[test]
fn what_is_written_reads_back_and_nothing_shorter_or_longer_does() {
    for (name, plain, read) in of_libolm().into_iter().chain(of_vodozemac()) {
        let bytes = plain.expose();
        assert_eq!(bytes, read(bytes).unwrap().expose(), "{name}");

        for length in 0..bytes.len() {
            let refused = read(&bytes[..length]).err();
            assert_eq!(Some(Error::Malformed), refused, "{name}, {length} bytes");
        }
        assert_eq!(Some(Error::Malformed), read(&[bytes, b"0"].concat()).err(), "{name}");
    }
}

#[test]
fn other_versions_of_libolm_are_not_supported() {
    for (name, plain, read) in of_libolm() {
        let other = [&[0, 0, 0, 9], &plain.expose()[4..]].concat();

        assert_eq!(Some(Error::UnsupportedVersion), read(&other).err(), "{name}");
    }
}

#[test]
fn a_public_half_of_another_key_is_malformed() {
    for (name, plain, read) in of_libolm().into_iter().filter(|(name, ..)| *name != "inbound") {
        // Where the first key pair has its public half.
        let at = match name {
            "outbound" => 4 + 132,
            "session" if plain.expose()[136] == 1 => 137,
            "session" => continue,
            _ => 4,
        };
        let mut altered = plain.expose().to_vec();
        altered[at] ^= 1;

        assert_eq!(Some(Error::Malformed), read(&altered).err(), "{name}");
    }
}

#[test]
fn every_field_of_vodozemac_must_stand_once() {
    for (case, plain, read) in of_vodozemac() {
        let text = str::from_utf8(plain.expose()).unwrap();
        let names = text.split('"').skip(1).step_by(2).filter(|name| {
            let numbered = name.chars().all(|digit| digit.is_ascii_digit());
            !numbered && !["V1", "active", "inactive"].contains(name)
        });
        for name in names {
            let field = format!("\"{name}\":");
            let renamed = text.replacen(&field, "\"unknown\":", 1);
            assert_eq!(Some(Error::Malformed), read(renamed.as_bytes()).err(), "{case} {name}");
        }
        let twice = text.replacen("\"config\":", "\"config\":{\"version\":\"V1\"},\"config\":", 1);
        let expected = (case != "account").then_some(Error::Malformed);
        assert_eq!(expected, read(twice.as_bytes()).err(), "{case}");
        let spaced = text.replace(',', " ,\n\t").replace(':', " : ");
        assert_eq!(plain.expose(), read(spaced.as_bytes()).unwrap().expose(), "{case}");
        let more = text.replacen('{', "{\"more\":[{\"a\":\"b\",\"c\":null},true,false,1],", 1);
        assert_eq!(plain.expose(), read(more.as_bytes()).unwrap().expose(), "{case}");
    }
}

#[test]
fn values_of_other_types_are_malformed() {
    for (case, plain, read) in of_vodozemac() {
        let text = str::from_utf8(plain.expose()).unwrap();
        let first = text.find('[').unwrap() + 1;
        let end = first + text[first..].find(',').unwrap();
        for value in ["256", "-1", "1.5", "01", "null", "\"1\"", "[1]", "", "1,1"] {
            let altered = [&text[..first], value, &text[end..]].concat();
            assert_eq!(Some(Error::Malformed), read(altered.as_bytes()).err(), "{case} {value}");
        }
        let deep = ["{\"deep\":", &"[".repeat(99_999), "0"].concat();
        assert_eq!(Some(Error::Malformed), read(deep.as_bytes()).err());
    }
}

#[test]
fn another_configuration_of_vodozemac_is_not_supported() {
    for (case, plain, read) in of_vodozemac().into_iter().filter(|(name, ..)| *name != "account") {
        let text = str::from_utf8(plain.expose()).unwrap().replace("\"V1\"", "\"V2\"");

        assert_eq!(Some(Error::UnsupportedVersion), read(text.as_bytes()).err(), "{case}");
    }
}

#[test]
fn a_session_of_other_people_is_refused() {
    let [session, ..] = sessions();
    let nobody = x25519::PublicKey::new([7; 32]);
    let strangers = Identities { ours: nobody, theirs: nobody };

    let plain = libolm::write_session(&session);
    assert_eq!(Some(Error::InvalidKey), libolm::session(plain.expose(), &strangers).err());
    let plain = vodozemac::write_session(&session);
    assert_eq!(Some(Error::InvalidKey), vodozemac::session(plain.expose(), &strangers).err());
}

#[test]
fn a_session_of_which_nobody_says_whose_it_is_goes_on() {
    for session in sessions() {
        for read in [
            libolm::session(libolm::write_session(&session).expose(), None),
            vodozemac::session(vodozemac::write_session(&session).expose(), None),
        ] {
            let alone = read.unwrap();

            assert_eq!(session.session_id(), alone.session_id());
            assert_eq!(session.has_received(), alone.has_received());
            assert_eq!(session.positions(), alone.positions());
        }
    }
}

mod leaving;
mod older;
