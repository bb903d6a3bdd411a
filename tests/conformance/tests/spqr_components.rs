// SPDX-License-Identifier: MIT OR Apache-2.0
//! The parts of the post-quantum ratchet against `spqr/components.json` (spqr.md §3 to §6 and §9).
//!
//! ML-KEM in halves and the check of its vector stand with the other vectors of the primitives.

use e2ee_conformance::{Count, array, hex, json, number, text, unhex};
use e2ee_primitives::Secret;
use e2ee_ratchet::Budget;
use e2ee_signal::spqr::{
    Message, Role,
    authenticator::{Authenticated, Authenticator, epoch_secret},
    chain::Chain,
    erasure::{Addition, Chunk, Decoder, Encoder},
    field,
};
use e2ee_wire::Error;
use serde_json::Value;

const SET: &str = "spqr/components";

fn components() -> Option<Value> {
    let set = json(SET)?;
    assert_eq!("spqr-components/1", text(&set, "format"));
    Some(set)
}

fn cases<'a>(set: &'a Value, name: &str) -> (Count, &'a [Value]) {
    (Count::new(&format!("{SET} {name}")), set[name].as_array().unwrap())
}

fn u16_of(case: &Value, name: &str) -> u16 {
    u16::try_from(number(case, name)).unwrap()
}

fn chunk(case: &Value) -> Chunk {
    Chunk { index: u16_of(case, "index"), bytes: array(case, "data") }
}

#[test]
fn gf_mul() {
    let Some(set) = components() else { return };
    let (mut count, cases) = cases(&set, "gf_mul");
    for case in cases {
        let (a, b) = (u16_of(case, "a"), u16_of(case, "b"));

        assert_eq!(u16_of(case, "product"), field::multiply(a, b), "{case}");
        assert_eq!(u16_of(case, "product"), field::multiply(b, a), "{case}");
        if let Some(quotient) = case["a_div_b"].as_u64() {
            assert_eq!(quotient, u64::from(field::multiply(a, field::invert(b))), "{case}");
        }
        count.ran();
    }
    count.finish(cases.len());
}

fn check_chunks<const LEN: usize>(case: &Value) {
    let encoder = Encoder::<LEN>::new(Box::new(array(case, "message")), 0);
    assert_eq!(number(case, "chunks_needed"), u64::try_from(Decoder::<LEN>::NEEDED).unwrap());
    for expected in case["chunks"].as_array().unwrap() {
        assert_eq!(chunk(expected), encoder.chunk(u16_of(expected, "index")));
    }
}

#[test]
fn erasure() {
    let Some(set) = components() else { return };
    let (mut count, cases) = cases(&set, "erasure");
    for case in cases {
        match hex(case, "message").len() {
            96 => check_chunks::<96>(case),
            160 => check_chunks::<160>(case),
            960 => check_chunks::<960>(case),
            1152 => check_chunks::<1152>(case),
            other => panic!("no object has {other} bytes"),
        }
        count.ran();
    }
    count.finish(cases.len());
}

/// The chunks as given, or as the message's own encoder makes them at the given indices.
fn given_chunks<const LEN: usize>(case: &Value) -> Vec<Chunk> {
    if let Some(chunks) = case["chunks"].as_array() {
        return chunks.iter().map(chunk).collect();
    }
    let encoder = Encoder::<LEN>::new(Box::new(array(case, "message")), 0);
    let indices = case["indices"].as_array().unwrap();
    indices
        .iter()
        .map(|index| encoder.chunk(u16::try_from(index.as_u64().unwrap()).unwrap()))
        .collect()
}

fn check_decoding<const LEN: usize>(case: &Value) {
    let chunks = given_chunks::<LEN>(case);
    let (last, first) = chunks.split_last().unwrap();
    let mut decoder = Decoder::<LEN>::new();
    for chunk in first {
        assert!(decoder.completed_by(chunk).unwrap().is_none());
        assert_eq!(Addition::Added, decoder.add(chunk));
    }
    assert_eq!(hex(case, "message"), decoder.completed_by(last).unwrap().unwrap().as_slice());
}

#[test]
fn erasure_decode() {
    let Some(set) = components() else { return };
    let (mut count, cases) = cases(&set, "erasure_decode");
    for case in cases {
        match number(case, "length") {
            96 => check_decoding::<96>(case),
            160 => check_decoding::<160>(case),
            960 => check_decoding::<960>(case),
            1152 => check_decoding::<1152>(case),
            other => panic!("no object has {other} bytes"),
        }
        count.ran();
    }
    count.finish(cases.len());
}

fn stored(authenticator: &Authenticator) -> Vec<u8> {
    let mut out = Vec::new();
    authenticator.encode(&mut out);
    out
}

#[test]
fn authenticator() {
    let Some(set) = components() else { return };
    let case = &set["authenticator"];
    let mut count = Count::new(&format!("{SET} authenticator"));
    assert_eq!(1, number(case, "init_epoch"));

    let first = Authenticator::new(&Secret::new(array(case, "auth_key")));
    assert_eq!([hex(case, "root_0"), hex(case, "mac_0")].concat(), stored(&first));
    let header = array(case, "header_1");
    let header = Authenticated::Header(&header);
    assert_eq!(hex(case, "header_mac_1"), first.tag(1, &header));
    assert!(first.verify(1, &header, &array(case, "header_mac_1")));
    assert!(!first.verify(2, &header, &array(case, "header_mac_1")));

    let secret = epoch_secret(1, &Secret::new(array(case, "kem_secret_1")));
    assert_eq!(hex(case, "scka_key_1"), secret.expose());
    let second = first.updated(1, &secret);
    assert_eq!([hex(case, "root_1"), hex(case, "mac_1")].concat(), stored(&second));
    let ciphertext = hex(case, "ciphertext_1");
    let (ct1, ct2) = ciphertext.split_first_chunk::<960>().unwrap();
    let ct2 = ct2.try_into().unwrap();
    let ciphertext = Authenticated::Ciphertext(ct1, ct2);
    assert_eq!(hex(case, "ciphertext_mac_1"), second.tag(1, &ciphertext));
    assert!(second.verify(1, &ciphertext, &array(case, "ciphertext_mac_1")));
    assert!(!first.verify(1, &ciphertext, &array(case, "ciphertext_mac_1")));
    let header = array(case, "header_2");
    assert_eq!(hex(case, "header_mac_2"), second.tag(2, &Authenticated::Header(&header)));

    count.ran();
    count.finish(1);
}

fn take_keys(sender: &mut Chain, receiver: &mut Chain, epoch: u64, keys: &Value) {
    for (expected, index) in keys.as_array().unwrap().iter().zip(1..) {
        let sent = sender.plan_send(epoch).unwrap();
        let (sent_index, key) = sender.commit_send(sent);
        let received = receiver.plan_receive(epoch, index, &mut Budget::new(1)).unwrap();

        assert_eq!(unhex(expected.as_str().unwrap()), key.expose());
        assert_eq!(index, sent_index);
        assert!(key.ct_eq(received.key()));
        receiver.check_receive(&received).unwrap();
        receiver.commit_receive(received);
    }
}

/// The head of a chain ends with its newest epoch, which nothing was taken from yet.
fn check_roots(chain: &Chain, case: &Value, [sending, receiving]: [&str; 2]) {
    let mut head = Vec::new();
    chain.encode_head(&mut head);
    let counter = [0_u8; 4];
    let mut expected = [hex(case, sending).as_slice(), &counter].concat();
    expected.extend([hex(case, receiving).as_slice(), &counter].concat());
    if number(case, "epoch") == 0 {
        expected.push(0);
    }

    assert_eq!(hex(case, "next_root"), head[5..37]);
    assert!(head.ends_with(&expected), "{case}");
}

#[test]
fn chain() {
    let Some(set) = components() else { return };
    let mut count = Count::new(&format!("{SET} chain"));
    let key = Secret::new(array(&set["chain"], "initial_key"));
    let mut a = Chain::new(&key, Role::Initiator, 25_000);
    let mut b = Chain::new(&key, Role::Responder, 25_000);
    let epochs = set["chain"]["epochs"].as_array().unwrap();
    for case in epochs {
        let epoch = number(case, "epoch");
        if epoch > 0 {
            let secret = Secret::new(array(case, "secret"));
            a.add(&secret);
            b.add(&secret);
        }
        assert_eq!((epoch, epoch), (a.newest_epoch(), b.newest_epoch()));
        check_roots(&a, case, ["a2b_chain_key", "b2a_chain_key"]);
        check_roots(&b, case, ["b2a_chain_key", "a2b_chain_key"]);

        take_keys(&mut a, &mut b, epoch, &case["a2b"]);
        take_keys(&mut b, &mut a, epoch, &case["b2a"]);
        count.ran();
    }
    count.finish(epochs.len());
}

fn check_fields(case: &Value, message: &Message) {
    assert_eq!(text(case, "epoch"), message.epoch().to_string(), "{case}");
    assert_eq!(number(case, "index"), u64::from(message.index()), "{case}");
    let chunk = message.payload().chunk();
    if let Some(index) = case["chunk_index"].as_u64() {
        let chunk = chunk.unwrap();
        assert_eq!(index, u64::from(chunk.index), "{case}");
        assert_eq!(hex(case, "chunk_data"), chunk.bytes, "{case}");
    } else {
        assert!(chunk.is_none(), "{case}");
    }
}

#[test]
fn wire() {
    let Some(set) = components() else { return };
    let (mut count, cases) = cases(&set, "wire");
    for case in cases {
        let field = hex(case, "wire");
        if number(case, "index") == 0 {
            assert_eq!(Err(Error::Malformed), Message::decode(&field), "spqr-unkeyed-index-0");
            println!("{SET} wire: refused by rule spqr-unkeyed-index-0: {}", text(case, "wire"));
        } else {
            let message = Message::decode(&field).unwrap();
            let mut out = Vec::new();
            message.encode_into(&mut out);

            check_fields(case, &message);
            assert_eq!(field, out, "{case}");
            assert_eq!(out.len(), message.encoded_len());
            let version_epoch_index = out.len() - case["chunk_index"].as_u64().map_or(1, chunk_len);
            assert_eq!(number(case, "type"), u64::from(out[version_epoch_index]), "{case}");
        }
        count.ran();
    }
    count.finish(cases.len());
}

/// The bytes from the type on.
fn chunk_len(index: u64) -> usize {
    1 + e2ee_wire::varint::encoded_len(index) + 32
}

#[test]
fn wire_invalid() {
    let Some(set) = components() else { return };
    let (mut count, cases) = cases(&set, "wire_invalid");
    for case in cases {
        let expected = match text(case, "why") {
            "V0" | "V0, not V1" | "unknown version" => Error::UnsupportedVersion,
            _ => Error::Malformed,
        };

        assert_eq!(Err(expected), Message::decode(&hex(case, "wire")), "{case}");
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn wire_tolerated() {
    let Some(set) = components() else { return };
    let (mut count, cases) = cases(&set, "wire_tolerated");
    for case in cases {
        let message = Message::decode(&hex(case, "wire")).unwrap();
        let mut out = Vec::new();
        message.encode_into(&mut out);

        check_fields(case, &message);
        assert_eq!(number(case, "type"), u64::from(out[3]), "{case}");
        assert_ne!(hex(case, "wire"), out, "{case}");
        count.ran();
    }
    count.finish(cases.len());
}
