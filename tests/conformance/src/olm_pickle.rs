// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recorded accounts and sessions of libolm and vodozemac, read from their clear form
//! (olm_megolm.md §3), into what the two have in common.

use std::collections::BTreeMap;

use e2ee_wire::record::RecordReader;
use serde_json::Value;

use crate::{text, unhex};

/// A key of 32 bytes, private or public.
pub type Key = [u8; 32];

/// What both peers and we keep of a session.
#[derive(Debug, PartialEq, Eq)]
pub struct SessionState {
    /// The initiator's identity key, its base key, and the responder's one-time key.
    pub keys: [Key; 3],
    /// The root key.
    pub root: Key,
    /// The chain that is sent on.
    pub sending: Option<Sending>,
    /// Ratchet key, chain key and next index of each receiving chain, newest first.
    pub receiving: Vec<(Key, Key, u32)>,
    /// The seeds of late messages, by ratchet key and index.
    pub skipped: BTreeMap<(Key, u32), Key>,
}

/// A sending chain.
#[derive(Debug, PartialEq, Eq)]
pub struct Sending {
    /// The private ratchet key, clamped.
    pub private: Key,
    /// The chain key.
    pub chain: Key,
    /// The index of the next message.
    pub index: u32,
}

/// What both peers and we keep of an account.
#[derive(Debug)]
pub struct AccountState {
    /// The Ed25519 key: a seed of 32 bytes, or 64 bytes expanded.
    pub signing: Vec<u8>,
    /// The private Curve25519 key.
    pub identity: Key,
    /// Number, whether it is published, and private key of each one-time key, oldest first.
    pub one_time: Vec<(u64, bool, Key)>,
    /// The same of the fallback keys, current first.
    pub fallback: Vec<(u64, bool, Key)>,
}

impl SessionState {
    /// Reads a recorded session of either peer, which has opened a message if the second is true.
    ///
    /// # Panics
    ///
    /// If the recording is not what its peer writes.
    #[must_use]
    pub fn of(pickle: &Value) -> Self {
        match text(pickle, "kind") {
            "libolm" => Self::libolm(text(pickle, "plain_hex")),
            "vodozemac" => Self::vodozemac(text(pickle, "plain_json")),
            other => panic!("unknown peer {other}"),
        }
    }

    /// Reads a session of libolm, hexadecimal.
    ///
    /// # Panics
    ///
    /// If the recording is not what libolm writes.
    #[must_use]
    pub fn libolm(plain: &str) -> Self {
        let plain = unhex(plain);
        let mut reader = RecordReader::new(&plain);
        assert_eq!(Ok(1), reader.u32(), "version");
        reader.u8().unwrap();
        let keys = [(); 3].map(|()| key(&mut reader));
        let root = key(&mut reader);
        let sending = many(&mut reader, |reader| {
            let (_, private) = (key(reader), clamped(key(reader)));
            Sending { private, chain: key(reader), index: reader.u32().unwrap() }
        });
        let receiving =
            many(&mut reader, |reader| (key(reader), key(reader), reader.u32().unwrap()));
        let skipped = many(&mut reader, |reader| {
            let (ratchet_key, seed) = (key(reader), key(reader));
            ((ratchet_key, reader.u32().unwrap()), seed)
        });
        reader.finish().unwrap();
        let sending = sending.into_iter().next();
        Self { keys, root, sending, receiving, skipped: skipped.into_iter().collect() }
    }

    fn vodozemac(plain: &str) -> Self {
        let plain: Value = serde_json::from_str(plain).unwrap();
        let keys = ["identity_key", "base_key", "one_time_key"]
            .map(|name| array(&plain["session_keys"][name]));
        let ratchet = &plain["sending_ratchet"];
        let active = text(ratchet, "type") == "active";
        let root = if active {
            &ratchet["active_ratchet"]["root_key"]
        } else {
            &ratchet["root_key"]["key"]
        };
        let chain = &ratchet["symmetric_key_ratchet"];
        let sending = active.then(|| Sending {
            private: clamped(array(&ratchet["active_ratchet"]["ratchet_key"])),
            chain: array(&chain["key"]),
            index: index(&chain["index"]),
        });
        let mut receiving = vec![];
        let mut skipped = BTreeMap::new();
        for chain in plain["receiving_chains"]["inner"].as_array().unwrap().iter().rev() {
            let ratchet_key = array(&chain["ratchet_key"]);
            let state = &chain["hkdf_ratchet"];
            receiving.push((ratchet_key, array(&state["key"]), index(&state["index"])));
            for seed in chain["skipped_message_keys"]["inner"].as_array().unwrap() {
                skipped.insert((ratchet_key, index(&seed["index"])), array(&seed["key"]));
            }
        }
        Self { keys, root: array(root), sending, receiving, skipped }
    }
}

impl AccountState {
    /// Reads a recorded account of either peer.
    ///
    /// # Panics
    ///
    /// If the recording is not what its peer writes.
    #[must_use]
    pub fn of(pickle: &Value) -> Self {
        match text(pickle, "kind") {
            "libolm" => Self::libolm(text(pickle, "plain_hex")),
            "vodozemac" => Self::vodozemac(text(pickle, "plain_json")),
            other => panic!("unknown peer {other}"),
        }
    }

    /// Reads an account of libolm, hexadecimal.
    ///
    /// # Panics
    ///
    /// If the recording is not what libolm writes.
    #[must_use]
    pub fn libolm(plain: &str) -> Self {
        let plain = unhex(plain);
        let mut reader = RecordReader::new(&plain);
        assert_eq!(Ok(4), reader.u32(), "version");
        key(&mut reader);
        let signing = reader.array::<64>().unwrap().to_vec();
        key(&mut reader);
        let identity = key(&mut reader);
        let entry = |reader: &mut RecordReader<'_>| {
            let (id, published) = (u64::from(reader.u32().unwrap()), reader.u8().unwrap() == 1);
            key(reader);
            (id, published, key(reader))
        };
        let mut one_time = many(&mut reader, entry);
        one_time.reverse();
        let fallback = (0..reader.u8().unwrap()).map(|_| entry(&mut reader)).collect();
        reader.u32().unwrap();
        reader.finish().unwrap();
        Self { signing, identity, one_time, fallback }
    }

    fn vodozemac(plain: &str) -> Self {
        let plain: Value = serde_json::from_str(plain).unwrap();
        let signing = bytes(&plain["signing_key"]["Normal"]);
        let keys = &plain["one_time_keys"];
        let mut one_time: Vec<_> = keys["private_keys"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(id, private)| {
                let published = keys["public_keys"].get(id).is_none();
                (id.parse().unwrap(), published, array(private))
            })
            .collect();
        one_time.sort_unstable();
        let fallback = ["fallback_key", "previous_fallback_key"]
            .map(|name| &plain["fallback_keys"][name])
            .into_iter()
            .filter(|key| !key.is_null())
            .map(|key| {
                let published = key["published"].as_bool().unwrap();
                (key["key_id"].as_u64().unwrap(), published, array(&key["key"]))
            })
            .collect();
        Self { signing, identity: array(&plain["diffie_hellman_key"]), one_time, fallback }
    }
}

/// RFC 7748 §5.
#[must_use]
pub const fn clamped(mut scalar: Key) -> Key {
    scalar[0] &= 0b1111_1000;
    scalar[31] = scalar[31] & 0b0111_1111 | 0b0100_0000;
    scalar
}

/// The next 32 bytes.
///
/// # Panics
///
/// If there are fewer.
pub fn key(reader: &mut RecordReader<'_>) -> Key {
    *reader.array().unwrap()
}

/// A list behind its length.
///
/// # Panics
///
/// If there is no length.
pub fn many<T>(
    reader: &mut RecordReader<'_>,
    mut entry: impl FnMut(&mut RecordReader<'_>) -> T,
) -> Vec<T> {
    (0..reader.u32().unwrap()).map(|_| entry(reader)).collect()
}

fn index(number: &Value) -> u32 {
    u32::try_from(number.as_u64().unwrap()).unwrap()
}

fn bytes(numbers: &Value) -> Vec<u8> {
    let numbers = numbers.as_array().unwrap().iter();
    numbers.map(|number| u8::try_from(number.as_u64().unwrap()).unwrap()).collect()
}

fn array(numbers: &Value) -> Key {
    bytes(numbers).try_into().unwrap()
}
