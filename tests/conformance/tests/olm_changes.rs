// SPDX-License-Identifier: MIT OR Apache-2.0
//! Changes of recorded messages: none opens, whatever libolm or vodozemac would do with it
//! (olm_megolm.md §1.3).

use e2ee_conformance::{
    Count,
    fields::text,
    json,
    olm::{account, decrypt, unbase64},
    olm_pickle::AccountState,
};
use e2ee_olm::{Account, PreKeyMessage, Session, session::envelope_budget};
use serde_json::Value;

const SET: &str = "olm/olm_sessions";
/// Bytes of the key fields that a message begins with, behind its version.
const KEY_FIELD_LEN: usize = 34;

/// One recorded conversation, as the responder saw it.
struct Recorded {
    account: Account,
    prekey: Vec<u8>,
    session: Session,
    normal: Vec<u8>,
}

fn recorded(vector: &Value) -> Recorded {
    let steps = vector["steps"].as_array().unwrap();
    let of = |op: &'static str| steps.iter().filter(move |step| text(step, "op") == op);
    let pickled = AccountState::of(&vector["bob_account_before"]);
    let prekey = unbase64(text(of("create_inbound").next().unwrap(), "ciphertext"));
    let message = PreKeyMessage::decode(&prekey).unwrap();
    let budget = &mut envelope_budget();
    let (mut session, _) = account(&pickled).accept(None, &message, budget).unwrap();
    // The normal message is one of the first chain, out of the prekey message that it came in.
    let later = of("encrypt").find(|step| {
        let bytes = unbase64(text(step, "ciphertext"));
        step["type"] == 0 && bytes != prekey
    });
    let wrapped = unbase64(text(later.unwrap(), "ciphertext"));
    let normal = inner(&wrapped).to_vec();
    assert!(decrypt(&mut session, 1, &normal).is_ok());
    let message = PreKeyMessage::decode(&prekey).unwrap();
    let (session, _) = account(&pickled).accept(None, &message, budget).unwrap();
    Recorded { account: account(&pickled), prekey, session, normal }
}

/// The normal message in a prekey message: behind three keys, a tag and a length.
fn inner(prekey: &[u8]) -> &[u8] {
    let rest = &prekey[1 + 3 * KEY_FIELD_LEN + 1..];
    let length = rest.iter().take_while(|byte| **byte >= 0x80).count() + 1;
    &rest[length..]
}

impl Recorded {
    fn opens_normal(&mut self, message: &[u8]) -> bool {
        decrypt(&mut self.session, 1, message).is_ok()
    }

    /// Whether it makes a session, or is taken for a further message of the one there is.
    fn opens_prekey(&mut self, bytes: &[u8]) -> bool {
        let Ok(message) = PreKeyMessage::decode(bytes) else { return false };
        let known = decrypt(&mut self.session, 0, bytes).is_ok();
        known || self.account.accept(None, &message, &mut envelope_budget()).is_ok()
    }

    /// Each altered form of the two messages, by turns, and how many of them opened.
    fn count(&mut self, count: &mut Count, forms: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> usize {
        let (normal, prekey) = (self.normal.clone(), self.prekey.clone());
        let mut accepted = 0;
        let (altered_normal, altered_prekey) = (forms(&normal), forms(&prekey));
        let total = altered_normal.len() + altered_prekey.len();
        for message in altered_normal {
            assert_ne!(normal, message);
            accepted += usize::from(self.opens_normal(&message));
            count.ran();
        }
        for message in altered_prekey {
            assert_ne!(prekey, message);
            accepted += usize::from(self.opens_prekey(&message));
            count.ran();
        }
        assert_eq!(0, accepted, "of {total}");
        total
    }

    /// No refusal has changed anything: both messages open as they are.
    fn finish(mut self) {
        assert!(self.opens_normal(&self.normal.clone()));
        let prekey = PreKeyMessage::decode(&self.prekey).unwrap();
        assert!(self.account.accept(None, &prekey, &mut envelope_budget()).is_ok());
    }
}

fn of_every_conversation(name: &str, forms: impl Fn(&[u8]) -> Vec<Vec<u8>>) {
    let Some(vector) = json(SET) else { return };
    let mut count = Count::new(&format!("{SET}, {name}, accepted 0"));
    let mut total = 0;
    for conversation in vector["transcripts"].as_array().unwrap() {
        let mut recorded = recorded(conversation);
        total += recorded.count(&mut count, &forms);
        recorded.finish();
    }
    count.finish(total);
}

/// The fields of a message behind its version, each with its tag, and the tag at the end.
fn fields(message: &[u8]) -> Vec<&[u8]> {
    let mut rest = &message[1..];
    let mut fields = vec![];
    while rest.len() > 8 || fields.len() < 3 {
        let varint = |bytes: &[u8]| bytes.iter().take_while(|byte| **byte >= 0x80).count() + 1;
        let value = &rest[1..];
        let length = match rest[0] & 7 {
            0 => varint(value),
            2 => {
                let groups = value[..varint(value)].iter().rev();
                let length = groups.fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
                varint(value) + length
            }
            other => panic!("wire type {other}"),
        };
        let (field, behind) = rest.split_at(1 + length);
        fields.push(field);
        rest = behind;
    }
    fields.push(rest);
    assert_eq!(message[1..], fields.concat());
    fields
}

fn joined(message: &[u8], fields: &[&[u8]]) -> Vec<u8> {
    [&message[..1], &fields.concat()].concat()
}

#[test]
fn no_message_with_a_flipped_bit_opens() {
    of_every_conversation("one bit flipped", |message| {
        (0..message.len() * 8)
            .map(|bit| {
                let mut altered = message.to_vec();
                altered[bit / 8] ^= 1 << (bit % 8);
                altered
            })
            .collect()
    });
}

#[test]
fn no_message_with_an_unknown_field_opens() {
    let unknown: [&[u8]; 4] = [&[0x28, 1], &[0x32, 0], &[0x3d, 0, 0, 0, 0], &[0x28, 0x80, 0]];
    of_every_conversation("unknown field inserted", |message| {
        let parts = fields(message);
        let places = (0..parts.len()).flat_map(|place| unknown.map(|field| (place, field)));
        places
            .map(|(place, field)| {
                let mut parts = parts.clone();
                parts.insert(place, field);
                joined(message, &parts)
            })
            .collect()
    });
}

#[test]
fn no_message_with_fields_in_another_order_twice_or_missing_opens() {
    of_every_conversation("fields moved, repeated, left out", |message| {
        let parts = fields(message);
        // A prekey message has no tag at its end.
        let places = || (0..parts.len()).filter(|place| !parts[*place].is_empty());
        let moved = places().flat_map(|one| places().map(move |other| (one, other)));
        let moved = moved.filter(|(one, other)| one < other);
        let moved = moved.map(|(one, other)| {
            let mut parts = parts.clone();
            parts.swap(one, other);
            joined(message, &parts)
        });
        let repeated = places().map(|place| {
            let mut parts = parts.clone();
            parts.insert(place, parts[place]);
            joined(message, &parts)
        });
        let missing = places().map(|place| {
            let mut parts = parts.clone();
            parts.remove(place);
            joined(message, &parts)
        });
        moved.chain(repeated).chain(missing).collect()
    });
}

#[test]
fn no_message_with_a_longer_varint_opens() {
    of_every_conversation("varint lengthened", |message| {
        let parts = fields(message);
        let with_varint =
            (0..parts.len()).filter(|place| parts[*place].first() != Some(&message[0]));
        let lengthened = with_varint.filter(|place| *place + 1 < parts.len()).flat_map(|place| {
            let field = parts[place];
            let last = 1 + field[1..].iter().take_while(|byte| **byte >= 0x80).count();
            // The tag is a varint too.
            [0, last].map(|at| {
                let mut altered = field.to_vec();
                altered[at] |= 0x80;
                altered.insert(at + 1, 0);
                let mut parts = parts.clone();
                parts[place] = &altered;
                joined(message, &parts)
            })
        });
        lengthened.collect()
    });
}

#[test]
fn no_message_with_a_byte_inserted_or_removed_opens() {
    of_every_conversation("byte inserted or removed", |message| {
        let inserted = (0..=message.len()).flat_map(|place| [0, 0x80].map(|byte| (place, byte)));
        let inserted = inserted.map(|(place, byte)| {
            let mut altered = message.to_vec();
            altered.insert(place, byte);
            altered
        });
        let removed = (0..message.len()).map(|place| {
            let mut altered = message.to_vec();
            altered.remove(place);
            altered
        });
        inserted.chain(removed).collect()
    });
}
