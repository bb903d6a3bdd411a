// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every way in and out of a sealed file, and everything that must not open
//! (docs/formats.md, "Sealed file").

use e2ee_primitives::{Random, Secret, SecretBytes};
use e2ee_wire::Error;

use super::*;

const SMALL: usize = 4_096;
const TAG: usize = 16;
/// The most that one small segment, the first of a file, holds.
const FIRST: usize = SMALL - HEADER_LEN - TAG;
const FULL: usize = SMALL - TAG;

/// Counts, so that no two draws are alike.
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

fn key(byte: u8, size: SegmentSize) -> FileSecret {
    FileSecret::Key(FileKey::new(Secret::new([byte; 32]), size))
}

fn small() -> FileSecret {
    key(1, SegmentSize::Small)
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|place| u8::try_from(place % 251).unwrap()).collect()
}

fn planned(secret: &FileSecret, plaintext: &[u8]) -> Vec<u8> {
    let length = u64::try_from(plaintext.len()).unwrap();
    let (plan, mut file) = SealPlan::new(secret, b"ad", length, &mut Counting(0)).unwrap();
    file.resize(usize::try_from(plan.sealed_len()).unwrap(), 0);
    while let Some(run) = plan.take() {
        let (from, to) = (bounds(run.plain()), bounds(run.sealed()));
        plan.seal(run, &plaintext[from], &mut file[to]).unwrap();
    }
    file
}

fn streamed(secret: &FileSecret, plaintext: &[u8], piece: usize) -> Vec<u8> {
    let (mut sealer, mut file) = Sealer::begin(secret, b"ad", &mut Counting(0)).unwrap();
    for piece in plaintext.chunks(piece) {
        sealer = sealer.update(piece, &mut file).unwrap();
    }
    sealer.finish(&mut file).unwrap();
    file
}

fn bounds(span: Span) -> core::ops::Range<usize> {
    let start = usize::try_from(span.start).unwrap();
    start..start + span.len
}

fn preamble(secret: &FileSecret, file: &[u8]) -> Vec<u8> {
    file[..secret.preamble_len().min(file.len())].to_vec()
}

fn contents(secret: &FileSecret, data: &[u8], file: &[u8]) -> Result<Vec<u8>, Error> {
    let length = u64::try_from(file.len()).unwrap();
    let contents = Contents::new(secret, data, &preamble(secret, file), length)?;
    let mut out = vec![9; usize::try_from(contents.plain_len()).unwrap()];
    while let Some(run) = contents.take() {
        let target = &mut out[bounds(run.plain())];
        let verdict = contents.open_into(&run, &file[bounds(run.sealed())], target);
        assert!(verdict.is_ok() || target.iter().all(|byte| *byte == 0));
        verdict?;
    }
    Ok(out)
}

fn stream(secret: &FileSecret, file: &[u8], piece: usize) -> Result<Vec<u8>, Error> {
    let start = preamble(secret, file);
    let (mut opener, mut out) = (Opener::begin(secret, b"ad", &start)?, Vec::new());
    for piece in file[start.len()..].chunks(piece) {
        let mut room = vec![0; opener.room(piece)];
        let (next, written) = opener.update(piece, &mut room)?;
        out.extend_from_slice(&room[..written]);
        opener = next;
    }
    out.extend_from_slice(opener.finish()?.expose());
    Ok(out)
}

/// What all ways of opening say, which must be the same.
fn opened(file: &[u8]) -> Result<Vec<u8>, Error> {
    let verdict = contents(&small(), b"ad", file);
    assert_eq!(verdict, stream(&small(), file, 1_000));
    assert_eq!(verdict, stream(&small(), file, 100_000));
    verdict
}

#[test]
fn every_length_comes_back_every_way() {
    let around = |length: usize| [length - 1, length, length + 1];
    let lengths = [0, 1].into_iter().chain(around(FIRST)).chain(around(FIRST + FULL));
    for length in lengths.chain(around(FIRST + 300 * FULL)) {
        let plaintext = pattern(length);

        let file = planned(&small(), &plaintext);

        for piece in [100, FIRST, FULL, SMALL, 1 << 20] {
            assert!(file == streamed(&small(), &plaintext, piece), "{length} bytes in {piece}");
        }
        assert!(Ok(plaintext) == opened(&file), "{length} bytes");
    }
}

#[test]
fn large_segments_come_back_every_way() {
    let (secret, first) = (key(1, SegmentSize::Large), (1 << 20) - HEADER_LEN - TAG);
    for length in [0, first - 1, first, first + 1, 2 * first + 100] {
        let plaintext = pattern(length);

        let file = planned(&secret, &plaintext);

        assert!(file == streamed(&secret, &plaintext, 70_000), "{length} bytes");
        assert!(Ok(plaintext.clone()) == contents(&secret, b"ad", &file), "{length} bytes");
        assert!(Ok(plaintext) == stream(&secret, &file, 70_000), "{length} bytes");
    }
}

#[test]
fn the_file_begins_with_its_header() {
    let file = planned(&small(), b"text");

    assert_eq!(40, file[0]);
    assert_eq!((1..40).collect::<Vec<u8>>(), file[1..40]);
    assert_eq!(40 + 4 + TAG, file.len());
}

#[test]
fn a_passphrase_stands_before_the_header() {
    let secret = FileSecret::Passphrase(SecretBytes::new(b"correct horse".to_vec()));
    let wrong = FileSecret::Passphrase(SecretBytes::new(b"battery staple".to_vec()));

    let file = planned(&secret, b"text");

    assert_eq!(secret.preamble_len() + 4 + TAG, file.len());
    assert_eq!([1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 4], file[..13]);
    assert_eq!(Ok(b"text".to_vec()), contents(&secret, b"ad", &file));
    assert_eq!(Ok(b"text".to_vec()), stream(&secret, &file, 7));
    assert_eq!(Err(Error::Forged), contents(&wrong, b"ad", &file));
    for place in [0, 1, 5, 9] {
        let mut costly = file.clone();
        costly[place] ^= 0x40;
        assert_eq!(Err(Error::Malformed), contents(&secret, b"ad", &costly), "byte {place}");
    }
    for place in [13, 28, 30] {
        let mut other = file.clone();
        other[place] ^= 1;
        assert_eq!(Err(Error::Forged), contents(&secret, b"ad", &other), "byte {place}");
    }
    for length in 0..secret.preamble_len() + TAG {
        assert_eq!(Err(Error::Forged), contents(&secret, b"ad", &file[..length]), "{length}");
    }
    assert_eq!(Err(Error::Malformed), contents(&small(), b"ad", &file));
    assert_eq!(Err(Error::Malformed), contents(&secret, b"ad", &planned(&small(), b"text")));
}

#[test]
fn every_changed_byte_is_found() {
    let honest = planned(&small(), &pattern(FIRST + FULL + 10));
    for place in 0..honest.len() {
        let mut forged = honest.clone();
        forged[place] ^= 1 << (place % 8);
        let expected = if place == 0 { Error::Malformed } else { Error::Forged };
        assert_eq!(Some(expected), opened(&forged).err(), "byte {place}");
    }
}

#[test]
fn every_flipped_bit_of_a_short_file_is_found() {
    let honest = planned(&small(), b"text");
    for bit in 0..honest.len() * 8 {
        let mut forged = honest.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let expected = if bit < 8 { Error::Malformed } else { Error::Forged };
        assert_eq!(Some(expected), opened(&forged).err(), "bit {bit}");
    }
}

#[test]
fn every_truncation_is_found() {
    let honest = planned(&small(), &pattern(FIRST + FULL + 10));
    for length in 0..honest.len() {
        assert_eq!(Some(Error::Forged), opened(&honest[..length]).err(), "{length} bytes");
    }
}

#[test]
fn exchanged_missing_and_added_segments_are_found() {
    let (two, three) = (FIRST + FULL + 10, FIRST + 2 * FULL + 10);
    let file = planned(&small(), &pattern(three));
    let parts: Vec<&[u8]> = file.chunks(SMALL).collect();
    let [head, one, other, last] = parts[..] else { panic!("four segments") };
    let longer = planned(&small(), &pattern(FIRST + 3 * FULL));
    let shorter = planned(&small(), &pattern(two));
    let end_of_shorter = &shorter[2 * SMALL..];

    for (name, forged) in [
        ("exchanged", [head, other, one, last].concat()),
        ("the first exchanged", [&head[..40], one, other, last].concat()),
        ("one missing", [head, other, last].concat()),
        ("the last missing", [head, one, other].concat()),
        ("one twice", [head, one, one, other, last].concat()),
        ("the last twice", [head, one, other, last, last].concat()),
        ("the last in the middle", [head, one, last, other].concat()),
        ("one more behind", [&file, one].concat()),
        ("a byte more", [&file, &[0][..]].concat()),
        ("another file's end", [head, one, other, end_of_shorter].concat()),
        ("an inner one for the last", longer[..4 * SMALL - TAG].to_vec()),
        ("cut behind a full one", longer[..3 * SMALL].to_vec()),
    ] {
        assert_eq!(Some(Error::Forged), opened(&forged).err(), "{name}");
    }
    assert!(opened(&file).is_ok());
}

#[test]
fn the_last_segment_may_be_empty_as_with_tink() {
    let (segments, mut file) = small().begin(b"ad", &mut Counting(0)).unwrap();
    let (mut first, mut last) = (vec![0; FIRST + TAG], vec![0; TAG]);
    segments.seal(segments::Place::Inner(0), &pattern(FIRST), &mut first).unwrap();
    segments.seal(segments::Place::Last(1), b"", &mut last).unwrap();
    file.extend([first, last].concat());

    assert!(Ok(pattern(FIRST)) == opened(&file));
    assert_eq!(Some(Error::Forged), opened(&file[..SMALL]).err());
}

#[test]
fn a_single_message_opens_for_its_key_and_data_only() {
    let key = message::AeadKey::new(Secret::new([1; 32])).unwrap();
    let other = message::AeadKey::random(&mut Counting(0)).unwrap();
    let mut sealed = vec![0; 4 + message::OVERHEAD];
    key.seal(b"text", b"ad", &mut Counting(0), &mut sealed).unwrap();
    let opened = |key: &message::AeadKey, data: &[u8], sealed: &[u8]| {
        let mut out = vec![9; message::plain_len(sealed)?];
        key.open(sealed, data, &mut out).map(|()| out)
    };

    assert_eq!((1..=12).collect::<Vec<u8>>(), sealed[..12]);
    assert_eq!(Ok(b"text".to_vec()), opened(&key, b"ad", &sealed));
    assert_eq!(Err(Error::Forged), opened(&other, b"ad", &sealed));
    assert_eq!(Err(Error::Forged), opened(&key, b"", &sealed));
    for bit in 0..sealed.len() * 8 {
        let mut forged = sealed.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Err(Error::Forged), opened(&key, b"ad", &forged), "bit {bit}");
    }
    for length in 0..sealed.len() {
        assert_eq!(Err(Error::Forged), opened(&key, b"ad", &sealed[..length]), "{length} bytes");
    }
}

#[test]
fn another_key_size_or_data_opens_nothing() {
    let file = planned(&small(), &pattern(FIRST + 1));

    assert_eq!(Err(Error::Forged), contents(&key(2, SegmentSize::Small), b"ad", &file));
    assert_eq!(Err(Error::Forged), contents(&key(1, SegmentSize::Large), b"ad", &file));
    assert_eq!(Err(Error::Forged), contents(&small(), b"", &file));
}

#[test]
fn any_byte_is_found_in_its_segment() {
    let plaintext = pattern(FIRST + 2 * FULL + 10);
    let file = planned(&small(), &plaintext);
    let length = u64::try_from(file.len()).unwrap();
    let contents = Contents::new(&small(), b"ad", &file[..HEADER_LEN], length).unwrap();

    for (position, start) in [
        (0, 0),
        (FIRST - 1, 0),
        (FIRST, FIRST),
        (FIRST + FULL, FIRST + FULL),
        (plaintext.len() - 1, FIRST + 2 * FULL),
        (plaintext.len() + 100_000, FIRST + 2 * FULL),
    ] {
        let run = contents.at(u64::try_from(position).unwrap());
        let part = contents.open(&run, &file[bounds(run.sealed())]).unwrap();
        assert_eq!(start, bounds(run.plain()).start, "position {position}");
        assert_eq!(plaintext[bounds(run.plain())], *part.expose(), "position {position}");
    }
}

#[test]
fn a_file_with_more_segments_than_a_nonce_counts_is_refused() {
    let most = (1_u64 << 32) * u64::try_from(FULL).unwrap() - 40;
    let plan = |length| SealPlan::new(&small(), b"", length, &mut Counting(0)).map(|_| ());

    assert_eq!(Ok(()), plan(most));
    assert_eq!(Err(Error::InvalidArgument), plan(most + 1));
    assert_eq!(Err(Error::InvalidArgument), plan(u64::MAX));
    let header = &planned(&small(), b"")[..HEADER_LEN];
    let sealed = |length| Contents::new(&small(), b"", header, length).map(|_| ());
    assert_eq!(Ok(()), sealed(1 << 44));
    assert_eq!(Err(Error::Forged), sealed((1 << 44) + 17));
    assert_eq!(Err(Error::Forged), sealed(u64::MAX));
}

#[test]
fn a_run_takes_the_bytes_it_says_and_no_others() {
    let (plan, _) = SealPlan::new(&small(), b"", 10, &mut Counting(0)).unwrap();
    let refused = |plain: usize, sealed: usize| {
        let (plan, _) = SealPlan::new(&small(), b"", 10, &mut Counting(0)).unwrap();
        plan.seal(plan.take().unwrap(), &vec![0; plain], &mut vec![0; sealed])
    };

    assert!(plan.take().is_some());
    assert!(plan.take().is_none());
    assert_eq!(Ok(()), refused(10, 26));
    for (plain, sealed) in [(9, 26), (11, 26), (10, 25), (10, 27)] {
        assert_eq!(Err(Error::InvalidArgument), refused(plain, sealed), "{plain} {sealed}");
    }
}
