// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plaintext in which a key of a room comes, and goes to others: the event `m.room_key` inside
//! an Olm message (olm_megolm.md §8; Matrix, client-server API, "End-to-End Encryption").

use e2ee_primitives::{base64, ed25519, secret::SecretBytes};
use e2ee_wire::Error;

use crate::json::{Json, write_string};

use super::super::RoomId;

/// The type of the event.
const TYPE: &str = "m.room_key";
/// What a room's messages are encrypted with.
pub(super) const ALGORITHM: &str = "m.megolm.v1.aes-sha2";
/// What the fields and names of a payload take besides ids and the key.
const FRAME_CAPACITY: usize = 512;

/// Who an event is from, and to whom, as its plaintext says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Between<'a> {
    pub(super) sender: &'a str,
    pub(super) sender_key: ed25519::PublicKey,
    pub(super) recipient: &'a str,
    pub(super) recipient_key: ed25519::PublicKey,
}

/// A key of a room that came.
#[derive(Debug)]
pub(super) struct RoomKey {
    sender: String,
    pub(super) sender_key: ed25519::PublicKey,
    recipient: String,
    recipient_key: ed25519::PublicKey,
    pub(super) room: RoomId,
    pub(super) session_id: [u8; 32],
    /// 229 bytes.
    pub(super) session_key: SecretBytes,
}

impl RoomKey {
    /// The key in a plaintext; `None` if it is another event, or no JSON that means one thing.
    ///
    /// [`Error::Malformed`] if a field is missing, stands twice or is of another type,
    /// [`Error::UnsupportedVersion`] for another algorithm.
    pub(super) fn read(plaintext: &[u8]) -> Option<Result<Self, Error>> {
        // Nearly all messages are told from it here.
        if !plaintext.windows(TYPE.len()).any(|found| found == TYPE.as_bytes()) {
            return None;
        }
        let mut kind = None;
        let mut json = Json::new(plaintext);
        let read = json.object(|json, name| match name {
            "type" => once(&mut kind, json.text()?.as_str()? == TYPE),
            _ => json.skip(),
        });
        match read.and_then(|()| json.finish()) {
            Ok(()) if kind == Some(true) => Some(Self::read_fields(plaintext)),
            _ => None,
        }
    }

    fn read_fields(plaintext: &[u8]) -> Result<Self, Error> {
        let (mut sender, mut sender_key) = (None, None);
        let (mut recipient, mut recipient_key, mut content) = (None, None, None);
        Json::new(plaintext).object(|json, name| match name {
            "sender" => once(&mut sender, text(json)?),
            "keys" => once(&mut sender_key, signing_key(json)?),
            "recipient" => once(&mut recipient, text(json)?),
            "recipient_keys" => once(&mut recipient_key, signing_key(json)?),
            "content" => once(&mut content, read_content(json)?),
            _ => json.skip(),
        })?;
        let (room, session_id, session_key) = content.ok_or(Error::Malformed)?;
        Ok(Self {
            sender: sender.ok_or(Error::Malformed)?,
            sender_key: sender_key.ok_or(Error::Malformed)?,
            recipient: recipient.ok_or(Error::Malformed)?,
            recipient_key: recipient_key.ok_or(Error::Malformed)?,
            room,
            session_id,
            session_key,
        })
    }

    /// [`Error::Forged`] unless `sender` has written it for this device of ours: somebody may give
    /// a message on that was meant for others, or published keys of ours as its own.
    pub(super) fn check(
        &self,
        sender: &str,
        (recipient, recipient_key): (&str, &ed25519::PublicKey),
    ) -> Result<(), Error> {
        let is_ours = self.recipient == recipient && self.recipient_key == *recipient_key;
        if is_ours && self.sender == sender { Ok(()) } else { Err(Error::Forged) }
    }
}

/// The plaintext that gives a session key of 229 bytes to a device.
pub(super) fn write(
    between: &Between<'_>,
    room: &RoomId,
    (session_id, session_key): (&[u8; 32], &SecretBytes),
) -> SecretBytes {
    let ids = [between.sender, between.recipient, room.as_str()].map(str::len);
    // Of one size from the start: a vector that grows leaves copies of the key behind. An id grows
    // at most sixfold.
    let capacity = ids.iter().fold(FRAME_CAPACITY, |sum, id| sum.saturating_add(id * 6));
    let mut out = Vec::with_capacity(capacity.saturating_add(session_key.len() * 2));
    field(&mut out, b"{\"content\":{\"algorithm\":", ALGORITHM);
    field(&mut out, b",\"room_id\":", room.as_str());
    field(&mut out, b",\"session_id\":", &base64::encode(session_id));
    out.extend_from_slice(b",\"session_key\":\"");
    let session_key = SecretBytes::new(base64::encode(session_key.expose()).into_bytes());
    out.extend_from_slice(session_key.expose());
    field(&mut out, b"\"},\"keys\":{\"ed25519\":", &encoded(&between.sender_key));
    field(&mut out, b"},\"recipient\":", between.recipient);
    field(&mut out, b",\"recipient_keys\":{\"ed25519\":", &encoded(&between.recipient_key));
    field(&mut out, b"},\"sender\":", between.sender);
    field(&mut out, b",\"type\":", TYPE);
    out.push(b'}');
    SecretBytes::new(out)
}

fn field(out: &mut Vec<u8>, before: &[u8], value: &str) {
    out.extend_from_slice(before);
    write_string(out, value);
}

fn encoded(key: &ed25519::PublicKey) -> String {
    base64::encode(key.as_bytes())
}

fn text(json: &mut Json<'_>) -> Result<String, Error> {
    Ok(json.text()?.as_str()?.to_owned())
}

/// The key in `{"ed25519": "…"}`.
fn signing_key(json: &mut Json<'_>) -> Result<ed25519::PublicKey, Error> {
    let mut key = None;
    json.object(|json, name| match name {
        "ed25519" => once(&mut key, base64::decode_key(json.text()?.as_str()?)?),
        _ => json.skip(),
    })?;
    key.map(ed25519::PublicKey::new).ok_or(Error::Malformed)
}

fn read_content(json: &mut Json<'_>) -> Result<(RoomId, [u8; 32], SecretBytes), Error> {
    let (mut algorithm, mut room, mut session_id, mut session_key) = (None, None, None, None);
    json.object(|json, name| match name {
        "algorithm" => once(&mut algorithm, json.text()?.as_str()? == ALGORITHM),
        "room_id" => once(&mut room, RoomId::new(json.text()?.as_str()?).map_err(malformed)?),
        "session_id" => once(&mut session_id, base64::decode_key(json.text()?.as_str()?)?),
        "session_key" => once(&mut session_key, base64::decode(json.text()?.as_str()?)?),
        _ => json.skip(),
    })?;
    if algorithm == Some(false) {
        return Err(Error::UnsupportedVersion);
    }
    algorithm
        .and(room)
        .zip(session_id)
        .zip(session_key)
        .ok_or(Error::Malformed)
        .map(|((room, session_id), session_key)| (room, session_id, session_key))
}

/// A name that no room can have says that the bytes are no message.
const fn malformed(_: Error) -> Error {
    Error::Malformed
}

/// Takes a field that must stand once.
fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Error> {
    if place.replace(value).is_none() { Ok(()) } else { Err(Error::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BETWEEN: Between<'static> = Between {
        sender: "@alice:example.org",
        sender_key: ed25519::PublicKey::new([1; 32]),
        recipient: "@b\"ö\u{1}b\\:example.org",
        recipient_key: ed25519::PublicKey::new([2; 32]),
    };

    fn room() -> RoomId {
        RoomId::new("!room/\"x\":example.org").unwrap()
    }

    fn written() -> String {
        let key = SecretBytes::new(vec![4; 229]);
        let payload = write(&BETWEEN, &room(), (&[3; 32], &key));
        String::from_utf8(payload.expose().to_vec()).unwrap()
    }

    fn read(text: &str) -> Option<Result<RoomKey, Error>> {
        RoomKey::read(text.as_bytes())
    }

    #[test]
    fn what_is_written_is_read_back_and_is_between_these_two_alone() {
        let key = read(&written()).unwrap().unwrap();

        assert_eq!((room(), [3; 32]), (key.room.clone(), key.session_id));
        assert_eq!([4; 229], key.session_key.expose());
        let (sender, us) = (BETWEEN.sender, (BETWEEN.recipient, &BETWEEN.recipient_key));
        assert_eq!(Ok(()), key.check(sender, us));
        assert_eq!(Err(Error::Forged), key.check("@eve:example.org", us));
        assert_eq!(Err(Error::Forged), key.check(sender, ("@eve:example.org", us.1)));
        assert_eq!(Err(Error::Forged), key.check(sender, (us.0, &BETWEEN.sender_key)));
    }

    #[test]
    fn other_events_and_what_is_no_json_are_no_keys() {
        let text = written();
        for other in [
            String::new(),
            "m.room_key".to_owned(),
            text.replace("\"m.room_key\"", "\"m.room_key.withheld\""),
            text.replace("\"type\"", "\"typ\""),
            text.replacen('{', "{\"type\":\"m.room_key\",", 1),
            format!("{text}x"),
            format!("[{text}]"),
            text[..text.len() - 1].to_owned(),
        ] {
            assert!(read(&other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_key_of_which_something_is_missing_or_stands_twice_is_malformed() {
        let text = written();
        for name in
            ["sender", "recipient", "keys", "recipient_keys", "content", "room_id", "session_id"]
        {
            let without = text.replace(&format!("\"{name}\":"), "\"other\":");
            assert_eq!(Some(Err(Error::Malformed)), read(&without).map(|key| key.map(|_| ())));
        }
        for wrong in [
            text.replacen("\"sender\"", "\"sender\":\"x\",\"sender\"", 1),
            text.replacen("\"ed25519\":\"", "\"ed25519\":\"A", 1),
            text.replacen("\"!room", "\"\\u0001!room", 1),
            text.replacen("\"sender\":", "\"sender\":1,\"x\":", 1),
        ] {
            assert_eq!(Some(Err(Error::Malformed)), read(&wrong).map(|key| key.map(|_| ())));
        }
        let other = text.replace(ALGORITHM, "m.megolm.v2");
        assert_eq!(Some(Err(Error::UnsupportedVersion)), read(&other).map(|key| key.map(|_| ())));
    }

    #[test]
    fn it_is_read_as_other_programs_write_it() {
        let text = written()
            .replace("\"m.room_key\"", " \"m.room_key\" ")
            .replace("\"sender\"", "\"s\\u0065nder\"")
            .replacen('{', "{\"sender_device_keys\":{\"unsigned\":{\"n\":\"a\\\"\\n\"}},", 1)
            .replacen('{', "{\"org.example\":[-1.5e+3,0,true,null,{\"\":\"\"}],", 1);

        let key = read(&text).unwrap().unwrap();

        assert_eq!(Ok(()), key.check(BETWEEN.sender, (BETWEEN.recipient, &BETWEEN.recipient_key)));
    }
}
