// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of records that every account has, and of users (docs/formats.md, "Record names").

use e2ee_wire::{Error, record::RecordReader};

use crate::{peer::SessionId, protocol::Device};

/// Who the account is.
pub const IDENTITY: &str = "identity";
/// The root record.
pub const INDEX: &str = "index";
/// The private halves of keys that others begin sessions with.
pub const PREKEYS: &str = "prekeys";
/// Which state of the store may send.
pub const GENERATION: &str = "generation";
/// What the names of peers' records begin with.
pub const PEER_PREFIX: &str = "peer/";
/// What the names of the inbox's records begin with.
pub const INBOX_PREFIX: &str = "inbox/";
/// What the names of the outbox's records begin with.
pub const OUTBOX_PREFIX: &str = "outbox/";
/// What the names of the ledger's records begin with.
pub const LEDGER_PREFIX: &str = "ledger/";

/// The most bytes of a user's name.
pub const MAX_NAME_LEN: usize = 255;

/// The record of a peer.
#[must_use]
pub fn peer<D: Device>(user: &str, device: &D) -> String {
    let capacity = PEER_PREFIX.len() + user.len() + 1 + D::MAX_NAME_LEN;
    let mut name = String::with_capacity(capacity);
    name.extend([PEER_PREFIX, user, "/"]);
    device.push_name(&mut name);
    name
}

/// The record of a session's head; the peer is part of it, because the id may be the peer's choice.
#[must_use]
pub fn session<D: Device>(user: &str, device: &D, id: &SessionId) -> String {
    let mut name = format!("session/{user}/");
    device.push_name(&mut name);
    name.push('/');
    name.push_str(&hex(id));
    name
}

/// Whether this is the head of a session, whose name ends with its id.
#[must_use]
pub fn is_session_head(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or_default();
    name.starts_with("session/") && last.len() == 2 * size_of::<SessionId>()
}

/// User and device of a peer's record.
pub fn peer_of<D: Device>(name: &str) -> Result<(&str, D), Error> {
    let rest = name.strip_prefix(PEER_PREFIX).ok_or(Error::CorruptState)?;
    let (user, device) = rest.rsplit_once('/').ok_or(Error::CorruptState)?;
    Ok((user, D::of_name(device)?))
}

/// Two digits for each byte, in lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(if value < 10 { b'0' + value } else { b'a' - 10 + value });
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    text
}

/// Refuses names that are empty, too long, or hold control characters.
pub fn check_user(user: &str) -> Result<(), Error> {
    if user.is_empty() || user.len() > MAX_NAME_LEN || user.chars().any(char::is_control) {
        return Err(Error::InvalidArgument);
    }
    Ok(())
}

/// Reads a user's name back.
pub fn read_user(reader: &mut RecordReader<'_>) -> Result<String, Error> {
    let user = core::str::from_utf8(reader.bytes()?).map_err(|_| Error::CorruptState)?;
    check_user(user).map_err(|_| Error::CorruptState)?;
    Ok(user.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_the_formatter_writes_them() {
        for byte in 0..=u8::MAX {
            assert_eq!(format!("{byte:02x}{:02x}", 255 - byte), hex(&[byte, 255 - byte]));
        }
    }
}
