// SPDX-License-Identifier: MIT OR Apache-2.0
//! The modes of AES-256 that Telegram's clients need, against TgCrypto and cryptg
//! (mtproto_secret_chats.md §2 and §9).

use e2ee_conformance::{Count, array, hex, json, text};
use e2ee_mtproto::factor::factors;
use e2ee_primitives::{
    Secret,
    cbc_blocks::{CbcBlocksDecryptor, CbcBlocksEncryptor},
    ctr_stream::CtrStream,
    ige::{IgeDecryptor, IgeEncryptor, Stream},
};
use serde_json::Value;

const SET: &str = "mtproto/aes_modes";

fn set(name: &str) -> Value {
    json(name).expect("the repository has its own copy")
}

fn list<'a>(set: &'a Value, group: &str) -> &'a [Value] {
    set[group].as_array().unwrap()
}

fn key(case: &Value) -> Secret<32> {
    Secret::new(array(case, "key"))
}

fn number(case: &Value, field: &str) -> u64 {
    case[field].as_u64().unwrap()
}

/// Whole, in pieces of one to three blocks, and into another buffer, both ways.
fn check_ige(case: &Value, plaintext: &[u8], ciphertext: &[u8]) {
    let iv = Secret::new(array(case, "iv"));
    check_stream::<IgeEncryptor>(&key(case), &iv, (plaintext, ciphertext));
    check_stream::<IgeDecryptor>(&key(case), &iv, (ciphertext, plaintext));
}

fn check_stream<S: Stream>(key: &Secret<32>, iv: &Secret<32>, (from, to): (&[u8], &[u8])) {
    for piece in [from.len(), 16, 32, 48] {
        let (mut stream, mut bytes) = (S::start(key, iv), from.to_vec());
        bytes.chunks_mut(piece).for_each(|part| stream.apply(part).unwrap());
        assert_eq!(to, bytes, "pieces of {piece}");
    }
    let mut out = vec![0; from.len()];
    S::start(key, iv).apply_into(from, &mut out).unwrap();
    assert_eq!(to, out);
}

#[test]
fn ige_is_that_of_tgcrypto() {
    let set = set(SET);
    let cases = list(&set, "ige");
    let mut count = Count::new("mtproto/aes_modes ige");
    for case in cases {
        check_ige(case, &hex(case, "plaintext"), &hex(case, "ciphertext"));
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn ige_is_that_of_blocks_computed_one_by_one() {
    let set = set("mtproto/aes-ige");
    let cases = list(&set, "aes256");
    let mut count = Count::new("mtproto/aes-ige");
    for case in cases {
        check_ige(case, &hex(case, "pt"), &hex(case, "ct"));
        count.ran();
    }
    count.not_applicable("AES-128, which Telegram does not use");
    count.finish(cases.len() + 1);
}

#[test]
fn all_of_these_streams_at_once_are_the_same() {
    let set = set("mtproto/aes-ige");
    let cases = list(&set, "aes256");
    let texts: Vec<_> = cases.iter().map(|case| (hex(case, "pt"), hex(case, "ct"))).collect();
    let start = |case: &Value| IgeEncryptor::new(&key(case), &Secret::new(array(case, "iv")));
    let mut streams: Vec<_> = cases.iter().map(start).collect();
    let mut out: Vec<_> = texts.iter().map(|(plaintext, _)| vec![0; plaintext.len()]).collect();
    let lanes = streams.iter_mut().zip(&texts).zip(&mut out);

    IgeEncryptor::many(
        lanes.map(|((stream, (from, _)), to)| stream.lane(from, to).unwrap()).collect(),
    );

    let mut count = Count::new("mtproto/aes-ige side by side");
    for ((_, expected), out) in texts.iter().zip(&out) {
        assert_eq!(expected, out);
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn ctr_is_that_of_tgcrypto_with_its_place() {
    let set = set(SET);
    let cases = list(&set, "ctr");
    let mut count = Count::new("mtproto/aes_modes ctr");
    for case in cases {
        let used = number(case, "state").try_into().unwrap();
        let mut stream = CtrStream::resume(&key(case), &array(case, "iv"), used).unwrap();
        let mut bytes = hex(case, "data");

        stream.apply(&mut bytes).unwrap();

        let (block, used) = stream.place();
        assert_eq!(hex(case, "out"), bytes);
        assert_eq!((array(case, "iv_after"), number(case, "state_after")), (block, used.into()));
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn a_ctr_stream_goes_on_from_place_to_place() {
    let set = set(SET);
    let case = &set["ctr_stream"];
    let chunks = list(case, "chunks");
    let (data, mut out) = (hex(case, "data"), Vec::new());
    let (mut block, mut used) = (array(case, "iv"), 0);
    let mut count = Count::new("mtproto/aes_modes ctr_stream");
    for chunk in chunks {
        let end = out.len() + usize::try_from(number(chunk, "len")).unwrap();
        let mut piece = data[out.len()..end].to_vec();
        let mut stream = CtrStream::resume(&key(case), &block, used).unwrap();

        stream.apply(&mut piece).unwrap();

        (block, used) = stream.place();
        assert_eq!((array(chunk, "iv_after"), number(chunk, "state_after")), (block, used.into()));
        out.extend(piece);
        count.ran();
    }
    assert_eq!(hex(case, "out"), out);
    count.finish(chunks.len());
}

#[test]
fn cbc_is_that_of_tgcrypto_with_its_place() {
    let set = set(SET);
    let cases = list(&set, "cbc");
    let mut count = Count::new("mtproto/aes_modes cbc");
    for case in cases {
        let (mut bytes, iv) = (hex(case, "plaintext"), array(case, "iv"));
        let mut sealing = CbcBlocksEncryptor::new(&key(case), &iv);
        sealing.encrypt(&mut bytes).unwrap();
        assert_eq!(text(case, "ciphertext"), to_hex(&bytes));
        assert_eq!(array(case, "iv_after"), sealing.place());

        let mut opening = CbcBlocksDecryptor::new(&key(case), &iv);
        opening.decrypt(&mut bytes).unwrap();
        assert_eq!(text(case, "plaintext"), to_hex(&bytes));
        assert_eq!(array(case, "iv_after"), opening.place());
        count.ran();
    }
    count.finish(cases.len());
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn products_have_the_factors_that_cryptg_finds() {
    let set = set(SET);
    let cases = list(&set, "factorize_pq_pair");
    let mut count = Count::new("mtproto/aes_modes factorize_pq_pair");
    for case in cases {
        assert_eq!(Ok((number(case, "p"), number(case, "q"))), factors(number(case, "pq")));
        count.ran();
    }
    count.finish(cases.len());
}
