// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sealed files and messages as the package `tink` wrote them, byte for byte
//! (docs/formats.md, "Sealed file"; tests/vectors/tink/README.md).

use e2ee_conformance::random::ScriptedRandom;
use e2ee_conformance::{Count, array, hex, json, number, text};
use e2ee_files::message::{self, AeadKey};
use e2ee_files::{
    Contents, FileKey, FileSecret, HEADER_LEN, Opener, SealPlan, Sealer, SegmentSize, Span,
};
use e2ee_primitives::{Secret, sha::sha256};
use serde_json::Value;

fn pattern(length: u64) -> Vec<u8> {
    (0..length).map(|place| u8::try_from(place % 251).unwrap()).collect()
}

fn secret(case: &Value) -> FileSecret {
    let size = u32::try_from(number(case, "segment_size")).unwrap();
    let key = Secret::new(array(case, "key"));
    FileSecret::Key(FileKey::new(key, SegmentSize::new(size).unwrap()))
}

fn bounds(span: Span) -> std::ops::Range<usize> {
    let start = usize::try_from(span.start).unwrap();
    start..start + span.len
}

/// The salt and the prefix of the recorded header are all that chance decides.
fn sealed(case: &Value, plaintext: &[u8]) -> Vec<u8> {
    let (data, header) = (hex(case, "associated_data"), hex(case, "header"));
    let length = u64::try_from(plaintext.len()).unwrap();
    let mut random = ScriptedRandom::new(&[&header[1..]]);
    let (plan, mut file) = SealPlan::new(&secret(case), &data, length, &mut random).unwrap();
    random.finish();
    assert_eq!(header, file);
    file.resize(usize::try_from(plan.sealed_len()).unwrap(), 0);
    while let Some(run) = plan.take() {
        let (plain, sealed) = (bounds(run.plain()), bounds(run.sealed()));
        plan.seal(run, &plaintext[plain], &mut file[sealed]).unwrap();
    }
    file
}

fn streamed(case: &Value, plaintext: &[u8]) -> Vec<u8> {
    let (data, header) = (hex(case, "associated_data"), hex(case, "header"));
    let mut random = ScriptedRandom::new(&[&header[1..]]);
    let (sealer, mut file) = Sealer::begin(&secret(case), &data, &mut random).unwrap();
    sealer.update(plaintext, &mut file).unwrap().finish(&mut file).unwrap();
    file
}

fn opened(case: &Value, file: &[u8]) -> Vec<u8> {
    let length = u64::try_from(file.len()).unwrap();
    let data = hex(case, "associated_data");
    let contents = Contents::new(&secret(case), &data, &file[..HEADER_LEN], length).unwrap();
    let mut out = vec![0; usize::try_from(contents.plain_len()).unwrap()];
    while let Some(run) = contents.take() {
        let target = &mut out[bounds(run.plain())];
        contents.open_into(&run, &file[bounds(run.sealed())], target).unwrap();
    }
    out
}

fn opened_as_a_stream(case: &Value, file: &[u8]) -> Vec<u8> {
    let data = hex(case, "associated_data");
    let opener = Opener::begin(&secret(case), &data, &file[..HEADER_LEN]).unwrap();
    let mut out = vec![0; opener.room(&file[HEADER_LEN..])];
    let (opener, written) = opener.update(&file[HEADER_LEN..], &mut out).unwrap();
    out.truncate(written);
    out.extend_from_slice(opener.finish().unwrap().expose());
    out
}

#[test]
fn recorded_streams_are_what_we_write_and_read() {
    let set = json("tink/streams").unwrap();
    let cases = set["cases"].as_array().unwrap();
    let mut count = Count::new("tink/streams");
    for case in cases {
        let plaintext = pattern(number(case, "plaintext_len"));

        let file = sealed(case, &plaintext);

        assert_eq!("ok", text(case, "expect"));
        assert_eq!(array::<32>(case, "sealed_sha256"), sha256(&[&file]), "{case}");
        assert!(file == streamed(case, &plaintext), "{case}");
        assert!(plaintext == opened(case, &file), "{case}");
        assert!(plaintext == opened_as_a_stream(case, &file), "{case}");
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn recorded_messages_are_what_we_write_and_read() {
    let set = json("tink/messages").unwrap();
    let cases = set["cases"].as_array().unwrap();
    let mut count = Count::new("tink/messages");
    for case in cases {
        let key = AeadKey::new(Secret::new(array(case, "key"))).unwrap();
        let (data, plaintext) = (hex(case, "associated_data"), hex(case, "plaintext"));
        let recorded = hex(case, "sealed");
        let mut random = ScriptedRandom::new(&[&recorded[..12]]);

        let mut sealed = vec![0; plaintext.len() + message::OVERHEAD];
        key.seal(&plaintext, &data, &mut random, &mut sealed).unwrap();
        let mut opened = vec![0; message::plain_len(&recorded).unwrap()];
        key.open(&recorded, &data, &mut opened).unwrap();

        assert_eq!("ok", text(case, "expect"));
        assert_eq!(recorded, sealed, "{case}");
        assert_eq!(plaintext, opened, "{case}");
        count.ran();
    }
    count.finish(cases.len());
}
