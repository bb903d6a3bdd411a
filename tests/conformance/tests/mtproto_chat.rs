// SPDX-License-Identifier: MIT OR Apache-2.0
//! A recorded chat with its change of key, taken in by each of its two ends as this crate keeps a
//! chat (mtproto_secret_chats.md §4 to §6).
//!
//! The recorded client, as the one who was asked, does not take the next key after a commit
//! (`peer_finding`): what follows the commit was recorded after that was done for it by hand
//! (`installed_after`). Ours has to do it alone.

use std::collections::VecDeque;

use e2ee_conformance::{Count, ScriptedRandom, array, hex, json, text, unhex};
use e2ee_mtproto::{
    action::{Action, service},
    chat::{Change, Chat, Effects, Shelf},
    envelope,
    group::Group,
    key::ChatKey,
    message::{Layered, Message},
    role::Role,
};
use e2ee_primitives::{Random, Secret, SecretBytes};
use e2ee_state::Failure;
use e2ee_wire::Error;
use serde_json::Value;

const SET: &str = "mtproto/secret_chat";
const NOW_MS: u64 = 1_800_000_000_000;
/// Of all recorded messages.
const LAYER: i32 = 101;

/// The recorded exponent of the exchange, and the recorded ids; other draws are of no account.
#[derive(Default)]
struct Draws {
    exponent: Option<Vec<u8>>,
    ids: VecDeque<[u8; 8]>,
}

impl Random for Draws {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        match out.len() {
            256 => out.copy_from_slice(&self.exponent.take().expect("an exponent was drawn")),
            8 => out.copy_from_slice(&self.ids.pop_front().expect("an id was drawn")),
            _ => out.fill(0x5a),
        }
        Ok(())
    }
}

/// Nothing waits: all messages come in their order.
struct Nothing;

impl Shelf for Nothing {
    fn waiting(&mut self, number: u32) -> Result<(i64, SecretBytes), Failure> {
        panic!("message {number} was looked for");
    }
}

/// A recorded message.
struct Recorded<'a> {
    vector: &'a Value,
    label: &'a str,
    sender: Role,
    message: Vec<u8>,
}

impl<'a> Recorded<'a> {
    fn new(vector: &'a Value) -> Self {
        let sender = if text(vector, "sender") == "A" { Role::Originator } else { Role::Responder };
        Self {
            vector,
            label: text(vector, "label"),
            sender,
            message: unhex(text(vector, "tl_message")),
        }
    }

    /// The id by which both ends name a service message.
    fn random_id(&self) -> [u8; 8] {
        *self.message[4..].first_chunk().unwrap()
    }

    /// Whether it follows from the message before it, without anybody's doing.
    fn is_answer(&self) -> bool {
        ["rekey 2", "rekey 3", "rekey 4"].iter().any(|each| self.label.starts_with(each))
    }

    /// Whether only the protocol itself makes such messages, and takes them in.
    fn is_of_protocol(&self) -> bool {
        let message = Message::decode(&self.message).unwrap();
        matches!(message, Message::Service { action, .. } if action.is_ours())
    }

    /// Whether it was recorded for its form alone: nothing is missing that it asks for, and no
    /// exchange of keys is open that it ends.
    fn is_out_of_place(&self) -> bool {
        ["resend", "abort key"].contains(&self.label)
    }

    fn number(&self, name: &str) -> u32 {
        self.vector[name].as_u64().unwrap().try_into().unwrap()
    }
}

/// One end of the chat, with the keys of both, to see what it sends.
struct End {
    chat: Chat,
    role: Role,
    group: Group,
    keys: [ChatKey; 2],
    draws: Draws,
    /// What leaves, in the order of its numbers.
    leaving: VecDeque<Vec<u8>>,
    opened: Vec<Vec<u8>>,
    changes: Vec<Change>,
}

fn key(case: &Value) -> ChatKey {
    ChatKey::new(Secret::new(array(case, "key")))
}

impl End {
    /// The end of this role, with the draws that the exchange of its key has been recorded with.
    fn new(set: &Value, role: Role) -> Self {
        let g = i32::try_from(set["dh"]["g"].as_i64().unwrap()).unwrap();
        // Today's prime, whose tests of primality are left out: nothing is drawn.
        let group = Group::new(g, &hex(&set["dh"], "p"), &mut ScriptedRandom::default()).unwrap();
        let exponent = if role == Role::Originator { "a" } else { "b" };
        Self {
            chat: Chat::new(role, LAYER, key(set), NOW_MS),
            role,
            group,
            keys: [key(set), key(&set["rekey"])],
            draws: Draws { exponent: Some(hex(&set["rekey"], exponent)), ids: VecDeque::new() },
            leaving: VecDeque::new(),
            opened: Vec::new(),
            changes: Vec::new(),
        }
    }

    fn made(&mut self, effects: Effects) {
        self.leaving.extend(effects.sent.into_iter().map(|sent| sent.wire));
        self.opened.extend(effects.received.iter().map(|each| each.message.expose().to_vec()));
        self.changes.extend(effects.changes);
    }

    /// Takes in a message; an error leaves the chat as it was stored.
    fn receive(&mut self, wire: &[u8]) -> Result<(), Failure> {
        let stored = self.chat.encode();
        let at = (NOW_MS, &mut self.draws as &mut dyn Random);
        match self.chat.receive(wire, &self.group, &mut Nothing, at) {
            Ok(effects) => {
                self.made(effects);
                Ok(())
            }
            Err(failure) => {
                self.chat = Chat::decode(stored.expose()).unwrap();
                Err(failure)
            }
        }
    }

    /// Takes in a recorded message of the other end, and counts it.
    fn take(&mut self, recorded: &Recorded<'_>) {
        let wire = unhex(text(recorded.vector, "wire"));
        if recorded.label == "resend" {
            // It asks for messages that its own number says to have.
            assert_eq!(Err(Error::Malformed.into()), self.receive(&wire));
            let instead = noop_in_its_place(recorded, &self.keys[0]);
            assert_eq!(Ok(()), self.receive(&instead));
        } else {
            assert_eq!(Ok(()), self.receive(&wire), "{}", recorded.label);
        }
        let counts = self.chat.counts();
        assert_eq!(recorded.number("out_seq_no") >> 1, counts.received - 1);
        assert_eq!(recorded.number("in_seq_no") >> 1, counts.acknowledged);
    }

    /// Makes the recorded message of its own, unless it was made as an answer.
    fn say(&mut self, recorded: &Recorded<'_>) {
        if recorded.is_answer() {
            return;
        }
        let mut effects = Effects::none(self.chat.counts().acknowledged);
        let at = |draws| (NOW_MS, draws as &mut dyn Random);
        match Message::decode(&recorded.message).unwrap() {
            Message::Service { action: Action::NotifyLayer(_), .. } => {
                self.draws.ids.push_back(recorded.random_id());
                self.chat.notify_layer(&mut effects, at(&mut self.draws)).unwrap();
            }
            Message::Service { action: Action::RequestKey { exchange_id, .. }, .. } => {
                self.draws.ids.extend([exchange_id.to_le_bytes(), recorded.random_id()]);
                self.chat.rekey(&self.group, &mut effects, at(&mut self.draws)).unwrap();
            }
            _ => {
                let sent = self.chat.send(&recorded.message, &self.group, at(&mut self.draws));
                effects = sent.unwrap();
            }
        }
        self.made(effects);
    }

    /// Does not send a message of the protocol itself, and in the place of one that others follow
    /// sends another.
    fn leave_out(&mut self, recorded: &Recorded<'_>) {
        let at = (NOW_MS, &mut self.draws as &mut dyn Random);
        let refused = self.chat.send(&recorded.message, &self.group, at).err();
        assert_eq!(Some(Error::InvalidArgument), refused);
        if recorded.label == "resend" {
            let instead = service(1, &Action::FlushHistory).unwrap();
            let at = (NOW_MS, &mut self.draws as &mut dyn Random);
            let effects = self.chat.send(&instead, &self.group, at).unwrap();
            assert_eq!(1, effects.sent.len());
        }
    }

    /// What leaves next must be the recorded message, but for random bytes.
    fn check_sent(&mut self, recorded: &Recorded<'_>) {
        let wire = self.leaving.pop_front().unwrap();
        let fingerprint = envelope::fingerprint_of(&wire).unwrap();
        let key = self.keys.iter().find(|key| key.fingerprint() == fingerprint).unwrap();
        let body = envelope::open(key, self.role, &wire).unwrap();
        let layered = Layered::decode(body.expose()).unwrap();

        assert_eq!(recorded.message, layered.message, "{}", recorded.label);
        assert_eq!(recorded.number("in_seq_no"), layered.in_seq_no, "{}", recorded.label);
        assert_eq!(recorded.number("out_seq_no"), layered.out_seq_no, "{}", recorded.label);
        assert_eq!(recorded.vector["key_fingerprint"], fingerprint, "{}", recorded.label);
    }
}

/// The bytes of a message that says nothing, in the place of a recorded one.
fn noop_in_its_place(recorded: &Recorded<'_>, key: &ChatKey) -> Vec<u8> {
    let message = &service(1, &Action::Noop).unwrap();
    let (in_seq_no, out_seq_no) = (recorded.number("in_seq_no"), recorded.number("out_seq_no"));
    let layered = Layered { layer: LAYER, in_seq_no, out_seq_no, message };
    let random = &mut Draws::default();
    let body = layered.encode(random).unwrap();
    envelope::seal(key, recorded.sender, body.expose(), random).unwrap()
}

/// The recorded chat as the end of this role lives through it.
fn live_through(set: &Value, messages: &[Recorded<'_>], role: Role) -> End {
    let mut end = End::new(set, role);
    let mut count = Count::new(&format!("{SET}, as the {role:?}"));
    for (place, recorded) in messages.iter().enumerate() {
        if recorded.sender != role {
            let next =
                messages.get(place + 1).filter(|next| next.is_answer() && next.sender == role);
            end.draws.ids.extend(next.map(Recorded::random_id));
            end.take(recorded);
            count.ran();
        } else if recorded.is_out_of_place() {
            end.leave_out(recorded);
            count.not_applicable("no chat of ours has a reason to send it there");
        } else {
            end.say(recorded);
            end.check_sent(recorded);
            count.ran();
        }
    }
    assert!(end.leaving.is_empty() && end.draws.ids.is_empty() && end.draws.exponent.is_none());
    count.finish(messages.len());
    end
}

/// The chat of a role, and what the other end has sent to its application.
fn lived(role: Role) -> Option<(End, Vec<Vec<u8>>, Value)> {
    let set = json(SET)?;
    let messages: Vec<_> = set["messages"].as_array().unwrap().iter().map(Recorded::new).collect();
    let end = live_through(&set, &messages, role);
    let theirs = messages.iter().filter(|each| each.sender != role && !each.is_of_protocol());
    let for_application = theirs.map(|each| each.message.clone()).collect();
    Some((end, for_application, set))
}

#[test]
fn the_one_who_was_asked_takes_the_next_key_after_the_commit() {
    let Some((end, for_application, set)) = lived(Role::Responder) else { return };
    let fingerprint = set["rekey"]["key_fingerprint"].as_i64().unwrap();

    assert_eq!(false, set["peer_finding"]["responder_installed_new_key"]);
    assert_eq!("rekey 3 commit", set["rekey"]["installed_after"]);
    assert_eq!(fingerprint, end.chat.fingerprint());
    assert_eq!([Change::Layer(LAYER), Change::Key(fingerprint)], end.changes[..]);
    assert_eq!(for_application, end.opened);
    assert_eq!((8, 12), (end.chat.counts().sent, end.chat.counts().received));
}

#[test]
fn the_one_who_has_asked_takes_the_next_key_after_the_answer() {
    let Some((end, for_application, set)) = lived(Role::Originator) else { return };
    let fingerprint = set["rekey"]["key_fingerprint"].as_i64().unwrap();

    assert_eq!(fingerprint, end.chat.fingerprint());
    assert_eq!([Change::Layer(LAYER), Change::Key(fingerprint)], end.changes[..]);
    assert_eq!(for_application, end.opened);
    assert_eq!((11, 8), (end.chat.counts().sent, end.chat.counts().received));
}
