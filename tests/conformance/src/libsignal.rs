// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads the parts of a recorded client's session record that a replay starts from
//! (signal.md §8.1).

use e2ee_wire::protobuf::{Fields, Value};

/// The current session of a record: its root and sending chain.
pub struct Current {
    /// The root key.
    pub root: [u8; 32],
    /// The private ratchet key of the sending chain.
    pub ratchet_private: [u8; 32],
    /// The chain key.
    pub chain: [u8; 32],
    /// The index of the next message.
    pub index: u32,
    /// The state of the post-quantum ratchet, in a form of the client's own.
    pub pq_state: Vec<u8>,
}

impl Current {
    /// Reads a record.
    ///
    /// # Panics
    ///
    /// If it holds no current session with a sending chain.
    #[must_use]
    pub fn read(record: &[u8]) -> Self {
        let session = field(record, 1);
        let sending = field(session, 6);
        let chain = field(sending, 3);
        Self {
            root: field(session, 4).try_into().unwrap(),
            ratchet_private: field(sending, 2).try_into().unwrap(),
            chain: field(chain, 2).try_into().unwrap(),
            index: number(chain, 1),
            pq_state: field(session, 15).to_vec(),
        }
    }
}

/// Every length-delimited part of `message`, at any depth, that has `length` bytes.
pub fn parts_of_length<'a>(message: &'a [u8], length: usize, found: &mut Vec<&'a [u8]>) {
    let mut fields = Fields::new(message);
    let mut parts = Vec::new();
    loop {
        match fields.next_field() {
            Ok(Some((_, Value::Bytes(bytes)))) => parts.push(bytes),
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(_) => return,
        }
    }
    for part in parts {
        if part.len() == length {
            found.push(part);
        }
        parts_of_length(part, length, found);
    }
}

fn field(message: &[u8], wanted: u32) -> &[u8] {
    find(message, wanted)
        .map_or_else(|| panic!("no field {wanted}"), |value| value.bytes().unwrap())
}

fn number(message: &[u8], wanted: u32) -> u32 {
    find(message, wanted).map_or(0, |value| value.u32().unwrap())
}

fn find(message: &[u8], wanted: u32) -> Option<Value<'_>> {
    let mut fields = Fields::new(message);
    while let Some((number, value)) = fields.next_field().unwrap() {
        if number == wanted {
            return Some(value);
        }
    }
    None
}
