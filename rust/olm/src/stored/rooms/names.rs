// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of the records of rooms (docs/formats.md, "Record names").
//!
//! A room's id may hold any character but control characters; its records are named by its SHA-256.

use e2ee_account::names::hex;
use e2ee_primitives::{sha, x25519};

use super::super::RoomId;

/// What the names of rooms' records begin with.
pub const ROOM_PREFIX: &str = "room/";
/// What the names of received keys of rooms begin with.
pub const ROOM_KEY_PREFIX: &str = "room-key/";
/// What the names of our own sessions' records begin with.
pub const SENDING_PREFIX: &str = "room-sending/";
const READ_PREFIX: &str = "room-read/";

/// The record of a room.
pub fn room(id: &RoomId) -> String {
    format!("{ROOM_PREFIX}{}", digest(id))
}

/// The record of our own session of a room.
pub fn sending(id: &RoomId) -> String {
    format!("{SENDING_PREFIX}{}", digest(id))
}

/// What the names of all received keys of a room begin with.
pub fn keys_of(id: &RoomId) -> String {
    format!("{ROOM_KEY_PREFIX}{}/", digest(id))
}

/// What the names of the keys of a room with this session id begin with, whoever gave them.
pub fn keys_of_session(id: &RoomId, session_id: &[u8; 32]) -> String {
    format!("{}{}/", keys_of(id), hex(session_id))
}

/// The record of a key of a room that a sender has, or is said to have.
pub fn key(id: &RoomId, session_id: &[u8; 32], sender: &x25519::PublicKey) -> String {
    format!("{}{}", keys_of_session(id, session_id), hex(sender.as_bytes()))
}

/// What the name of a key ends with that this sender has.
pub fn of_sender(sender: &x25519::PublicKey) -> String {
    format!("/{}", hex(sender.as_bytes()))
}

/// The record of what has opened under the key that has the record `name`.
pub fn read(name: &str) -> String {
    name.replacen(ROOM_KEY_PREFIX, READ_PREFIX, 1)
}

/// The record for which the root record vouches, of one that comes and goes with it.
pub fn member_of(name: &str) -> Option<String> {
    let changed =
        |own: &str, member: &str| name.strip_prefix(own).map(|rest| format!("{member}{rest}"));
    changed(READ_PREFIX, ROOM_KEY_PREFIX).or_else(|| changed(SENDING_PREFIX, ROOM_PREFIX))
}

fn digest(id: &RoomId) -> String {
    hex(&sha::sha256(&[id.as_str().as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_with_messages_belongs_to_what_the_root_record_vouches_for() {
        let id = RoomId::new("!a/b:example.org").unwrap();
        let key = key(&id, &[1; 32], &x25519::PublicKey::new([2; 32]));

        assert_eq!(Some(key.clone()), member_of(&read(&key)));
        assert_eq!(Some(room(&id)), member_of(&sending(&id)));
        assert_eq!([None, None], [member_of(&key), member_of(&room(&id))]);
        assert_eq!(2, key.strip_prefix(&keys_of(&id)).unwrap().split('/').count());
    }
}
