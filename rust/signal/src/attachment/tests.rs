// SPDX-License-Identifier: MIT OR Apache-2.0
//! Blobs of all kinds of sizes, whole, cut, altered and extended.

use e2ee_primitives::{Random, Secret, cbc_hmac::cbc_encrypt, hmac::HmacKey, sha};
use e2ee_wire::Error;

use super::*;

/// Counts up, so that no two draws are alike.
struct Counting(u8);

impl Random for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for byte in out {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }
}

fn file(size: usize) -> Vec<u8> {
    (0..size).map(|place| (place * 7 + place / 251).to_le_bytes()[0]).collect()
}

fn sealed(plaintext: &[u8], piece: usize) -> (Vec<u8>, AttachmentPointer) {
    let mut blob = Vec::new();
    let size = u32::try_from(plaintext.len()).unwrap();
    let mut encryptor = Encryptor::begin(size, &mut Counting(0), &mut blob).unwrap();
    for each in plaintext.chunks(piece) {
        encryptor.update(each, &mut blob).unwrap();
    }
    while encryptor.pad(&mut blob).unwrap() {}
    let pointer = encryptor.finish(&mut blob).unwrap();
    (blob, pointer)
}

/// The blob under its pointer with another chunk size, so that small blobs have many chunks.
fn rechunked(blob: &[u8], pointer: &AttachmentPointer, chunk: u32) -> AttachmentPointer {
    let chunk = ChunkSize::new(chunk).unwrap();
    let mut mac = IncrementalMac::new(&HmacKey::new(&pointer.key.expose()[32..]), chunk);
    mac.update(blob);
    AttachmentPointer {
        key: pointer.key.duplicate(),
        digest: sha::sha256(&[blob]),
        size: pointer.size,
        incremental: Some(Incremental { chunk, values: mac.finish() }),
    }
}

/// What was released, and how it ended.
fn streamed(blob: &[u8], pointer: &AttachmentPointer) -> (Vec<u8>, Result<(), Error>) {
    let (mut opener, mut out) = (StreamOpener::new(pointer).unwrap(), Vec::new());
    let chunks = blob.chunks_exact(opener.chunk().length());
    let rest = chunks.remainder();
    for chunk in chunks {
        match opener.open_chunk(chunk) {
            Ok(bytes) => out.extend_from_slice(bytes.expose()),
            Err(error) => return (out, Err(error)),
        }
    }
    let ended = opener.finish(rest).map(|bytes| out.extend_from_slice(bytes.expose()));
    (out, ended)
}

fn copied(pointer: &AttachmentPointer) -> AttachmentPointer {
    AttachmentPointer::decode(pointer.encode().expose()).unwrap()
}

fn verified(blob: &[u8], pointer: &AttachmentPointer, piece: usize) -> Result<Segments, Error> {
    let mut verifier = Verifier::new(copied(pointer), &mut Counting(9)).unwrap();
    for each in blob.chunks(piece) {
        verifier.update(each)?;
    }
    verifier.finish()
}

fn opened(blob: &[u8], segments: &Segments) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for index in 0..segments.size().div_ceil(64 * 1_024) {
        let (start, length) = segments.range(index).unwrap();
        let start = usize::try_from(start).unwrap();
        out.extend_from_slice(segments.open(index, &blob[start..start + length])?.expose());
    }
    Ok(out)
}

#[test]
fn the_blob_is_what_the_specification_says() {
    let plaintext = file(700);
    let (blob, pointer) = sealed(&plaintext, 33);

    let (cipher_key, mac_key) = Secret::new(*pointer.key.expose()).split();
    let mut padded = plaintext;
    padded.resize(usize::try_from(padded_len(700)).unwrap(), 0);
    let body = cbc_encrypt(&cipher_key, blob[..16].try_into().unwrap(), &padded);
    let tag = HmacKey::new(mac_key.expose()).tag(&[&blob[..16], &body]);

    assert_eq!([&blob[..16], &body, &tag].concat(), blob);
    assert_eq!(sha::sha256(&[&blob]), pointer.digest);
    assert_eq!(blob_len(700), u64::try_from(blob.len()).unwrap());
}

#[test]
fn every_size_around_a_border_comes_back_both_ways() {
    let borders = [0, 1, 541, 542, 65_536, 65_488, 131_072, 68_766];
    for size in borders.iter().flat_map(|size: &usize| size.saturating_sub(1)..size + 2) {
        let plaintext = file(size);
        let (blob, pointer) = sealed(&plaintext, 4_093);
        let segments = verified(&blob, &pointer, 1_000).unwrap();

        assert_eq!(Ok(plaintext.clone()), opened(&blob, &segments), "{size}");
        assert_eq!((plaintext, Ok(())), streamed(&blob, &pointer), "{size}");
    }
}

#[test]
fn every_chunk_size_streams() {
    let plaintext = file(600);
    let (blob, pointer) = sealed(&plaintext, 600);

    for chunk in 1..=u32::try_from(blob.len()).unwrap() + 1 {
        let pointer = rechunked(&blob, &pointer, chunk);
        assert_eq!((plaintext.clone(), Ok(())), streamed(&blob, &pointer), "{chunk}");
    }
}

#[test]
fn every_piece_size_verifies() {
    let plaintext = file(600);
    let (blob, pointer) = sealed(&plaintext, 1);

    for piece in 1..=blob.len() {
        let segments = verified(&blob, &pointer, piece).unwrap();
        assert_eq!(Ok(plaintext.clone()), opened(&blob, &segments), "{piece}");
    }
}

#[test]
fn an_altered_byte_is_found_in_its_chunk() {
    let plaintext = file(600);
    let (blob, pointer) = sealed(&plaintext, 600);
    let pointer = rechunked(&blob, &pointer, 64);

    for place in 0..blob.len() {
        let mut altered = blob.clone();
        altered[place] ^= 1;
        let (released, ended) = streamed(&altered, &pointer);

        assert_eq!(Err(Error::Forged), ended, "{place}");
        assert!(released.len() <= place / 64 * 64, "{place}");
        assert!(plaintext.starts_with(&released), "{place}");
        assert!(verified(&altered, &pointer, 100).is_err(), "{place}");
    }
}

#[test]
fn every_truncation_and_extension_is_forged() {
    let (blob, pointer) = sealed(&file(600), 600);

    for chunk in [64, 40, 1_000] {
        let pointer = rechunked(&blob, &pointer, chunk);
        for length in 0..blob.len() {
            let ended = streamed(&blob[..length], &pointer).1;
            assert_eq!(Err(Error::Forged), ended, "{length} of {chunk}");
        }
        for extra in 1..130 {
            let longer = [&blob[..], &vec![0; extra]].concat();
            assert_eq!(Err(Error::Forged), streamed(&longer, &pointer).1, "{extra} of {chunk}");
        }
    }
    for length in (0..blob.len()).chain([blob.len() + 1, blob.len() + 16]) {
        let mut other = blob.clone();
        other.resize(length, 0);
        assert_eq!(Error::Forged, verified(&other, &pointer, 64).unwrap_err(), "{length}");
    }
}

#[test]
fn another_key_digest_size_or_value_is_forged() {
    let (blob, pointer) = sealed(&file(600), 600);
    let mut wrong = [copied(&pointer), copied(&pointer), copied(&pointer), copied(&pointer)];
    wrong[0].digest[0] ^= 1;
    wrong[1].size = 1_000_000;
    let mut key = *pointer.key.expose();
    key[63] ^= 1;
    wrong[2].key = AttachmentKey::new(Secret::new(key));
    wrong[3].incremental.as_mut().unwrap().values[0] ^= 1;

    for pointer in &wrong {
        assert_eq!(Err(Error::Forged), streamed(&blob, pointer).1);
    }
    for pointer in &wrong[..3] {
        assert_eq!(Error::Forged, verified(&blob, pointer, 64).unwrap_err());
    }
}

#[test]
fn a_size_up_to_the_padding_is_right_and_one_more_is_forged() {
    let (blob, pointer) = sealed(&file(600), 600);
    let padded = u32::try_from(padded_len(600)).unwrap();

    for (size, expected) in [(padded, Ok(())), (padded + 1, Err(Error::Forged))] {
        let mut pointer = copied(&pointer);
        pointer.size = size;
        assert_eq!(expected, streamed(&blob, &pointer).1);
        assert_eq!(expected, verified(&blob, &pointer, 64).map(|_| ()));
    }
}

#[test]
fn a_blob_that_changes_after_it_was_verified_is_found() {
    let (blob, pointer) = sealed(&file(200_000), 4_096);
    let segments = verified(&blob, &pointer, 4_096).unwrap();

    let (start, length) = segments.range(1).unwrap();
    let start = usize::try_from(start).unwrap();
    let segment = &blob[start..start + length];
    for place in [0, 15, 16, length - 1] {
        let mut altered = segment.to_vec();
        altered[place] ^= 1;
        assert_eq!(Error::Forged, segments.open(1, &altered).unwrap_err(), "{place}");
    }
    assert_eq!(Error::Forged, segments.open(2, segment).unwrap_err());
    assert_eq!(Error::Forged, segments.open(1, &segment[..length - 16]).unwrap_err());
    assert_eq!(Error::InvalidArgument, segments.open(4, segment).unwrap_err());
    assert!(segments.open(1, segment).is_ok());
}

#[test]
fn an_encryptor_takes_exactly_what_was_announced() {
    let mut out = Vec::new();
    let mut encryptor = Encryptor::begin(10, &mut Counting(0), &mut out).unwrap();

    assert_eq!(Err(Error::InvalidArgument), encryptor.update(&[0; 11], &mut out));
    assert_eq!(Ok(()), encryptor.update(&[0; 9], &mut out));
    assert_eq!(Err(Error::InvalidArgument), encryptor.pad(&mut out));
    assert_eq!(Ok(()), encryptor.update(&[0; 1], &mut out));
    assert_eq!(Err(Error::InvalidArgument), encryptor.update(&[0], &mut out));
    assert_eq!(Err(Error::InvalidArgument), encryptor.finish(&mut out).map(|_| ()));
}

#[test]
fn a_pointer_comes_back_and_its_fields_are_needed() {
    let (_, pointer) = sealed(&file(600), 600);
    let encoded = pointer.encode();

    let decoded = copied(&pointer);
    assert_eq!(pointer.key.expose(), decoded.key.expose());
    assert_eq!((pointer.digest, pointer.size), (decoded.digest, decoded.size));
    assert_eq!(pointer.incremental, decoded.incremental);
    for length in 0..encoded.len() {
        let cut = AttachmentPointer::decode(&encoded.expose()[..length]);
        // Cut between the digest and the incremental MAC, nothing that is needed is missing.
        let whole = length == 66 + 3 + 34;
        assert_eq!(whole, cut.is_ok(), "{length}");
    }
}

#[test]
fn an_incremental_mac_that_cannot_be_one_is_malformed() {
    const MOST: u32 = 2 * 1_024 * 1_024;
    assert_eq!(Ok(None), Incremental::new(0, &[]));
    assert!(Incremental::new(MOST, &[0; 32]).unwrap().is_some());
    for (chunk, length) in [(0, 32), (1, 0), (1, 31), (1, 33), (MOST + 1, 32)] {
        assert_eq!(Err(Error::Malformed), Incremental::new(chunk, &vec![0; length]));
    }
}

#[test]
fn a_pointer_without_values_cannot_be_streamed() {
    let (_, mut pointer) = sealed(&file(1), 1);
    pointer.incremental = None;

    assert_eq!(Error::InvalidArgument, StreamOpener::new(&pointer).unwrap_err());
}

#[test]
fn a_chunk_of_another_length_changes_nothing() {
    let plaintext = file(600);
    let (blob, pointer) = sealed(&plaintext, 600);
    let pointer = rechunked(&blob, &pointer, 64);
    let mut opener = StreamOpener::new(&pointer).unwrap();

    for wrong in [&blob[..63], &blob[..65], &[]] {
        assert_eq!(Error::InvalidArgument, opener.open_chunk(wrong).unwrap_err());
    }
    assert_eq!(Error::Forged, opener.open_chunk(&[0; 64]).unwrap_err());
    assert!(opener.open_chunk(&blob[..64]).is_ok());
    assert_eq!(Error::InvalidArgument, opener.finish(&blob[64..128]).unwrap_err());
}
