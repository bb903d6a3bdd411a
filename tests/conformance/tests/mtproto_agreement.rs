// SPDX-License-Identifier: MIT OR Apache-2.0
//! The keys of Telegram's chats and calls, their pictures and emoji, beside what clients made of
//! the same numbers (mtproto_secret_chats.md §1, §2, §6 and §8).

use e2ee_conformance::{Count, ScriptedRandom, array, hex, json, number, text};
use e2ee_mtproto::{
    call::{Call, call_emoji},
    emoji,
    exchange::{Offer, respond},
    group::{Group, PublicValue},
    key::ChatKey,
    packets::Channel,
    picture::KeyPicture,
    role::Role,
};
use e2ee_primitives::Secret;
use e2ee_wire::Error;
use serde_json::Value;

const CHAT: &str = "mtproto/secret_chat";
const MISC: &str = "mtproto/misc";
const TABLE: &str = "mtproto/emoji_table";

fn group(chat: &Value) -> Group {
    let g = i32::try_from(number(&chat["dh"], "g")).unwrap();
    // Today's prime, whose tests of primality are left out: nothing is drawn.
    Group::new(g, &hex(&chat["dh"], "p"), &mut ScriptedRandom::default()).unwrap()
}

/// An offer whose exponent is the recorded one: drawn so, with nothing of the server.
fn offer(group: &Group, exponent: &[u8]) -> Offer {
    let mut random = ScriptedRandom::new(&[exponent]);
    let offer = Offer::new(group, &[], &mut random).unwrap();
    random.finish();
    offer
}

fn key(case: &Value) -> ChatKey {
    ChatKey::new(Secret::new(array(case, "key")))
}

fn fingerprint(case: &Value) -> i64 {
    case["key_fingerprint"].as_i64().unwrap()
}

/// One agreement of a recording, from both ends.
fn agreement(group: &Group, case: &Value) {
    let exponents = [hex(case, "a"), hex(case, "b")];
    let publics = [hex(case, "g_a"), hex(case, "g_b")];
    let originator = offer(group, &exponents[0]);
    assert_eq!(publics[0], originator.public().as_bytes());

    let mut random = ScriptedRandom::new(&[&exponents[1]]);
    let (public, theirs) = respond(group, &publics[0], &[], &mut random).unwrap();
    random.finish();
    assert_eq!(publics[1], public.as_bytes());
    let ours = originator.confirm(&publics[1], fingerprint(case)).unwrap();

    for key in [&ours, &theirs] {
        assert_eq!(hex(case, "key"), key.expose());
        assert_eq!(fingerprint(case), key.fingerprint());
    }
    let wrong = originator.confirm(&publics[1], fingerprint(case) ^ 1);
    assert_eq!(Error::Forged, wrong.unwrap_err());
}

#[test]
fn both_ends_of_a_recorded_chat_agree_on_its_two_keys() {
    let Some(chat) = json(CHAT) else { return };
    let mut count = Count::new("mtproto/secret_chat agreements");
    let group = group(&chat);
    for case in [&chat, &chat["rekey"]] {
        agreement(&group, case);
        count.ran();
    }
    count.finish(2);
}

#[test]
fn the_picture_of_a_recorded_chat_is_of_its_first_key() {
    let Some(chat) = json(CHAT) else { return };
    let mut count = Count::new("mtproto/secret_chat pictures");
    let (first, later) = (key(&chat), key(&chat["rekey"]));

    let picture = KeyPicture::new(&first, &first);
    assert_eq!(hex(&chat, "key_visualization"), picture.as_bytes());
    assert_ne!(picture, KeyPicture::new(&later, &later));

    count.ran();
    count.finish(1);
}

#[test]
fn the_keys_of_messages_follow_from_the_key_of_a_chat() {
    let Some(misc) = json(MISC) else { return };
    let mut count = Count::new("mtproto/misc kdf2");
    let key = key(&misc);
    let cases = misc["kdf2"].as_array().unwrap();
    for case in cases {
        let sender = match number(case, "x") {
            0 => Role::Originator,
            8 => Role::Responder,
            other => panic!("no sender has {other}"),
        };
        let (cipher_key, iv) = key.cipher_keys(sender, &array(case, "msg_key"));
        assert_eq!(hex(case, "aes_key"), cipher_key.expose());
        assert_eq!(hex(case, "aes_iv"), iv.expose());
        count.ran();
    }
    count.finish(cases.len());
}

/// An end of a call of this key; the caller's public value is of no account for packets.
fn end(case: &Value, role: Role, public: &PublicValue) -> Call {
    Call::new(key(case), role, public)
}

#[test]
fn packets_of_calls_are_those_of_the_formula() {
    let (Some(misc), Some(chat)) = (json(MISC), json(CHAT)) else { return };
    let mut count = Count::new("mtproto/misc calls");
    let public = group(&chat).public_value(&hex(&chat, "g_a")).unwrap();
    let calling = end(&misc, Role::Originator, &public);
    let called = end(&misc, Role::Responder, &public);
    let cases = misc["calls"].as_array().unwrap();
    for case in cases {
        let (from, to, channel) = match number(case, "x") {
            0 => (&calling, &called, Channel::Transport),
            8 => (&called, &calling, Channel::Transport),
            128 => (&calling, &called, Channel::Signaling),
            136 => (&called, &calling, Channel::Signaling),
            other => panic!("no channel has {other}"),
        };
        let (body, mut packet) = (hex(case, "body"), Vec::new());
        from.seal(channel, &body, &mut packet).unwrap();
        assert_eq!(hex(case, "packet"), packet, "{}", text(case, "channel"));
        assert_eq!(body, to.open(channel, &packet).unwrap().expose());
        assert_eq!(Error::Forged, from.open(channel, &packet).unwrap_err());
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn the_emoji_of_calls_are_those_of_the_formula() {
    let Some(misc) = json(MISC) else { return };
    let mut count = Count::new("mtproto/misc call_emoji");
    let cases = misc["call_emoji"].as_array().unwrap();
    for case in cases {
        let shown = call_emoji(&key(case), &hex(case, "g_a"));
        assert_eq!(text(case, "emoji"), shown.concat());
        let indices = case["indices"].as_array().unwrap();
        let numbered = indices.iter().map(|index| emoji::numbered(index.as_u64().unwrap()));
        assert_eq!(shown.to_vec(), numbered.collect::<Vec<_>>());
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn the_table_of_emoji_is_the_recorded_one() {
    let Some(table) = json(TABLE) else { return };
    let mut count = Count::new(TABLE);
    let all = table["emoji"].as_array().unwrap();
    for (place, expected) in all.iter().enumerate() {
        let shown = emoji::numbered(u64::try_from(place).unwrap());
        assert_eq!(expected.as_str().unwrap(), shown, "{place}");
        let points: Vec<_> = shown.chars().map(|point| format!("{:x}", u32::from(point))).collect();
        assert_eq!(table["codepoints"][place], Value::from(points));
        count.ran();
    }
    assert_eq!(333, all.len());
    assert_eq!(all[0].as_str().unwrap(), emoji::numbered(333));
    count.finish(all.len());
}
