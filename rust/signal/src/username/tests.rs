// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is a username and what is not, and links that were altered.

use super::*;

struct Fixed(u8);

impl Random for Fixed {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.0 = self.0.wrapping_add(1);
        out.fill(self.0);
        Ok(())
    }
}

fn longest() -> String {
    "a".repeat(MAX_NICKNAME_LEN)
}

#[test]
fn what_the_rules_allow_is_a_username() {
    for text in [
        "a.01",
        "_.10",
        "Carl_21.99",
        "z9.100",
        "abc.18446744073709551615",
        &format!("{}.42", longest()),
    ] {
        assert_eq!(Ok(text), Username::parse(text).as_ref().map(Username::text), "{text}");
    }
}

#[test]
fn what_the_rules_forbid_is_none() {
    for text in [
        "",
        ".",
        "abc",
        "abc.",
        ".12",
        "abc.1",
        "abc.00",
        "abc.001",
        "abc.012",
        "abc.18446744073709551616",
        "abc.+1",
        "abc.1a",
        "abc.12.34",
        "abc .12",
        "9abc.12",
        "ab-c.12",
        "äbc.12",
        "abc.１２",
        &format!("{}a.42", longest()),
    ] {
        assert_eq!(Err(Error::InvalidArgument), Username::parse(text), "{text}");
    }
}

#[test]
fn case_does_not_change_the_hash_but_every_other_difference_does() {
    let hash = |text| Username::parse(text).unwrap().hash().unwrap();

    assert_eq!(hash("carl.42"), hash("CarL.42"));
    for other in ["carl.43", "carm.42", "_carl.42", "lrac.42"] {
        assert_ne!(hash("carl.42"), hash(other), "{other}");
    }
}

#[test]
fn a_link_keeps_the_text_and_hides_its_length() {
    let key_and_link = |text: &str| Username::parse(text).unwrap().link(&mut Fixed(0)).unwrap();

    for text in ["Carl.42", "a.01", &"b".repeat(40), &longest()] {
        let text = if text.contains('.') { text.to_owned() } else { format!("{text}.42") };
        let (link_key, sealed) = key_and_link(&text);

        assert_eq!(text, Username::open(&link_key, &sealed).unwrap().text());
        if text.len() <= LINK_TEXT_LEN {
            assert_eq!(16 + 64 + 32, sealed.len());
        }
    }
}

#[test]
fn an_altered_cut_or_extended_link_is_forged() {
    let (link_key, sealed) = Username::parse("carl.42").unwrap().link(&mut Fixed(0)).unwrap();
    let verdict = |sealed: &[u8]| Username::open(&link_key, sealed).map(|_| ());

    for bit in 0..sealed.len() * 8 {
        let mut altered = sealed.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Err(Error::Forged), verdict(&altered), "bit {bit}");
    }
    for length in 0..sealed.len() {
        assert_eq!(Err(Error::Forged), verdict(&sealed[..length]), "{length}");
    }
    assert_eq!(Err(Error::Forged), verdict(&[&sealed[..], &[0]].concat()));
    assert_eq!(Err(Error::Forged), Username::open(&Secret::new([0; 32]), &sealed).map(|_| ()));
}

#[test]
fn a_link_that_holds_no_username_is_malformed() {
    let link_key = Secret::new([3; 32]);
    let (cipher_key, mac_key) = keys(&link_key);
    let held = |message: &[u8]| {
        let ciphertext = cbc_encrypt(&cipher_key, &[1; 16], message);
        let tag = mac_key.tag(&[&[1; 16], &ciphertext]);
        Username::open(&link_key, &[&[1; 16], &ciphertext[..], &tag].concat()).map(|_| ())
    };

    assert_eq!(Ok(()), held(b"\x0a\x04a.42"));
    for message in [&b""[..], b"\x0a\x03a.4", b"\x0a\x04\xff.42", b"\x0a\x09a.42", b"\x08\x04"] {
        assert_eq!(Err(Error::Malformed), held(message), "{message:?}");
    }
}
