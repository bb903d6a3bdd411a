// SPDX-License-Identifier: MIT OR Apache-2.0
//! The messages of a recorded chat, with a change of its key, messages under MTProto 1.0, and files
//! (mtproto_secret_chats.md §2, §3 and §7).

use e2ee_conformance::{Count, ScriptedRandom, hex, json, text, unhex, verdict::is_listed};
use e2ee_mtproto::{
    action::{self, Action},
    envelope,
    file::{FileDecryptor, FileEncryptor, FileKey},
    key::ChatKey,
    message::{Layered, Message},
    role::Role,
    text::Text,
};
use e2ee_primitives::{Secret, ige::IgeDecryptor};
use e2ee_wire::Error;
use serde_json::Value;

const SET: &str = "mtproto/secret_chat";

/// A message as the vector has it, and the key that it is under.
struct Recorded<'a> {
    vector: &'a Value,
    key: ChatKey,
    sender: Role,
    wire: Vec<u8>,
}

fn array<'a>(vector: &'a Value, field: &str) -> &'a [Value] {
    vector[field].as_array().unwrap()
}

fn chat_key(hex: &str) -> ChatKey {
    ChatKey::new(Secret::from_slice(&unhex(hex)).unwrap())
}

fn recorded(set: &Value) -> Vec<Recorded<'_>> {
    let of = |vector: &Value| {
        let keys = [&set["key"], &set["rekey"]["key"]];
        let mut keys = keys.map(|hex| chat_key(hex.as_str().unwrap())).into_iter();
        keys.find(|key| vector["key_fingerprint"] == key.fingerprint()).unwrap()
    };
    array(set, "messages")
        .iter()
        .map(|vector| Recorded {
            vector,
            key: of(vector),
            sender: if text(vector, "sender") == "A" { Role::Originator } else { Role::Responder },
            wire: unhex(text(vector, "wire")),
        })
        .collect()
}

impl Recorded<'_> {
    fn open(&self, wire: &[u8]) -> Result<Vec<u8>, Error> {
        envelope::open(&self.key, self.sender, wire).map(|body| body.expose().to_vec())
    }

    /// The random bytes before the message, and the padding.
    fn draws(&self) -> (Vec<u8>, Vec<u8>) {
        let draws: Vec<_> =
            array(self.vector, "draws").iter().map(|draw| unhex(draw.as_str().unwrap())).collect();
        let [random_bytes, padding] = <[_; 2]>::try_from(draws).unwrap();
        (random_bytes, padding)
    }
}

#[test]
fn every_message_opens_to_what_was_sent() {
    let Some(set) = json(SET) else { return };
    let mut count = Count::new(&format!("{SET}, opened"));
    let messages = recorded(&set);
    for recorded in &messages {
        let body = recorded.open(&recorded.wire).unwrap();
        let layered = Layered::decode(&body).unwrap();

        assert_eq!(Ok(recorded.key.fingerprint()), envelope::fingerprint_of(&recorded.wire));
        assert_eq!(recorded.vector["layer"], layered.layer);
        assert_eq!(recorded.vector["in_seq_no"], layered.in_seq_no);
        assert_eq!(recorded.vector["out_seq_no"], layered.out_seq_no);
        assert_eq!(unhex(text(recorded.vector, "tl_message")), layered.message);
        count.ran();
    }
    count.finish(messages.len());
}

#[test]
fn every_message_is_sealed_again_byte_for_byte() {
    let Some(set) = json(SET) else { return };
    let mut count = Count::new(&format!("{SET}, sealed"));
    let messages = recorded(&set);
    for recorded in &messages {
        let (random_bytes, padding) = recorded.draws();
        let number = |name: &str| recorded.vector[name].as_u64().unwrap().try_into().unwrap();
        let layered = Layered {
            layer: recorded.vector["layer"].as_i64().unwrap().try_into().unwrap(),
            in_seq_no: number("in_seq_no"),
            out_seq_no: number("out_seq_no"),
            message: &unhex(text(recorded.vector, "tl_message")),
        };

        let body = layered.encode_behind(&random_bytes).unwrap();
        let (key, sender) = (&recorded.key, recorded.sender);
        let wire = envelope::seal_padded(key, sender, body.expose(), &padding).unwrap();

        assert_eq!(recorded.wire, wire, "{}", text(recorded.vector, "label"));
        count.ran();
    }
    count.finish(messages.len());
}

#[test]
fn service_messages_are_written_as_they_were_read() {
    let Some(set) = json(SET) else { return };
    let mut count = Count::new(&format!("{SET}, service messages"));
    let messages = recorded(&set);
    for recorded in &messages {
        let bytes = unhex(text(recorded.vector, "tl_message"));
        match Message::decode(&bytes).unwrap() {
            Message::Service { random_id, action } => {
                assert!(!matches!(action, Action::Unknown(_)));
                let exchange = set["rekey"]["exchange_id"].as_i64().unwrap();
                assert_eq!(exchange, exchange_of(&action).unwrap_or(exchange));
                assert_eq!(Ok(bytes.clone()), action::service(random_id, &action));
                count.ran();
            }
            Message::Content { .. } => count.not_applicable("of the application"),
            Message::Unknown => panic!("{}", text(recorded.vector, "label")),
        }
    }
    count.finish(messages.len());
}

/// The number of the exchange that an action belongs to.
fn exchange_of(action: &Action) -> Option<i64> {
    match action {
        Action::RequestKey { exchange_id, .. }
        | Action::AcceptKey { exchange_id, .. }
        | Action::CommitKey { exchange_id, .. } => Some(*exchange_id),
        _ => None,
    }
}

/// Each altered form of every message, of which none may open.
fn none_opens(name: &str, forms: impl Fn(&[u8]) -> Vec<Vec<u8>>) {
    let Some(set) = json(SET) else { return };
    let mut count = Count::new(&format!("{SET}, {name}, accepted 0"));
    let mut total = 0;
    for recorded in recorded(&set) {
        let altered = forms(&recorded.wire);
        total += altered.len();
        for wire in altered {
            let expected = if wire.len() < 40 { Error::Malformed } else { Error::Forged };
            assert_ne!(recorded.wire, wire);
            assert_eq!(Err(expected), recorded.open(&wire));
            count.ran();
        }
    }
    count.finish(total);
}

#[test]
fn no_message_with_a_flipped_bit_opens() {
    none_opens("one bit flipped", |wire| {
        (0..wire.len() * 8)
            .map(|bit| {
                let mut altered = wire.to_vec();
                altered[bit / 8] ^= 1 << (bit % 8);
                altered
            })
            .collect()
    });
}

#[test]
fn no_message_that_was_cut_opens() {
    none_opens("cut", |wire| (0..wire.len()).map(|end| wire[..end].to_vec()).collect());
}

#[test]
fn no_message_that_was_extended_opens() {
    assert!(is_listed("mtproto-trailing-bytes"));
    none_opens("extended", |wire| (1..=64).map(|more| [wire, &vec![0; more]].concat()).collect());
}

#[test]
fn no_message_opens_as_one_of_the_other_side_or_under_the_other_key() {
    let Some(set) = json(SET) else { return };
    let mut count = Count::new(&format!("{SET}, of others, accepted 0"));
    let keys = [text(&set, "key"), text(&set["rekey"], "key")].map(chat_key);
    let messages = recorded(&set);
    for recorded in &messages {
        let other = keys.iter().find(|key| key.fingerprint() != recorded.key.fingerprint());
        let of_other = envelope::open(&recorded.key, recorded.sender.other(), &recorded.wire);
        let under_other = envelope::open(other.unwrap(), recorded.sender, &recorded.wire);

        assert_eq!(Some(Error::Forged), of_other.err());
        assert_eq!(Some(Error::Forged), under_other.err());
        count.ran();
    }
    count.finish(messages.len());
}

/// Such a message is what its version makes of its content: nothing but the version is wrong.
fn check_mtproto_1(vector: &Value, wire: &[u8]) {
    let secret = |name: &str| Secret::from_slice(&hex(vector, name)).unwrap();
    let (head, mut inner) = (&wire[8..24], wire[24..].to_vec());
    IgeDecryptor::new(&secret("aes_key"), &secret("aes_iv")).decrypt(&mut inner).unwrap();
    let body = hex(vector, "body");
    let length = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
    assert_eq!([length, body, hex(vector, "padding")].concat(), inner);
    assert_eq!(hex(vector, "msg_key"), head);
}

#[test]
fn messages_of_mtproto_1_are_refused() {
    assert!(is_listed("mtproto-1"));
    let Some(set) = json("mtproto/misc") else { return };
    let mut count = Count::new("mtproto/misc, MTProto 1.0, accepted 0");
    let key = chat_key(text(&set, "key"));
    let vectors = array(&set, "mtproto1");
    for vector in vectors {
        let wire = unhex(text(vector, "wire"));
        assert_eq!(Ok(key.fingerprint()), envelope::fingerprint_of(&wire));
        check_mtproto_1(vector, &wire);
        for sender in [Role::Originator, Role::Responder] {
            assert_eq!(Some(Error::Forged), envelope::open(&key, sender, &wire).err());
        }
        count.ran();
    }
    count.finish(vectors.len());
}

#[test]
fn texts_are_read_and_written_as_they_were() {
    let Some(set) = json(SET) else { return };
    let mut count = Count::new(&format!("{SET}, texts"));
    let messages = recorded(&set);
    for recorded in &messages {
        let bytes = unhex(text(recorded.vector, "tl_message"));
        if let Some((text, unread)) = Text::decode(&bytes).unwrap() {
            assert!(unread.is_empty());
            assert_eq!(Ok(bytes.clone()), text.encode());
            count.ran();
        } else {
            count.not_applicable("no text");
        }
    }
    count.finish(messages.len());
}

#[test]
fn files_are_encrypted_and_decrypted() {
    let Some(set) = json("mtproto/misc") else { return };
    let mut count = Count::new("mtproto/misc, files");
    let vectors = array(&set, "files");
    for vector in vectors {
        let of = |name: &str| Secret::from_slice(&hex(vector, name)).unwrap();
        let key = FileKey::new(of("key"), of("iv"));
        let fingerprint = i32::try_from(vector["key_fingerprint"].as_i64().unwrap()).unwrap();
        let (data, ciphertext) = (hex(vector, "data"), hex(vector, "ciphertext"));
        let mut random = ScriptedRandom::new(&[&hex(vector, "padding")]);

        let (mut sealed, mut encryptor) = (vec![], FileEncryptor::new(&key));
        encryptor.update(&data, &mut sealed).unwrap();
        let size = encryptor.finish(&mut random, &mut sealed).unwrap();
        let mut decryptor = FileDecryptor::new(&key, fingerprint, size).unwrap();
        let mut opened = vec![];
        decryptor.update(&ciphertext, &mut opened).unwrap();

        random.finish();
        assert_eq!(Ok(()), decryptor.finish());
        assert_eq!((fingerprint, ciphertext), (key.fingerprint(), sealed));
        assert_eq!(data, opened);
        assert!(FileDecryptor::new(&key, fingerprint ^ 1, size).is_err());
        count.ran();
    }
    count.finish(vectors.len());
}
