// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of sizes around the limits of pieces and segments, and what was changed in them.

use super::*;

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

fn plain(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251).to_le_bytes()[0]).collect()
}

fn encrypted(plaintext: &[u8], piece: usize) -> (Attachment, Vec<u8>) {
    let (mut encryptor, mut out) = (Encryptor::begin(&mut Counting(0)).unwrap(), Vec::new());
    for each in plaintext.chunks(piece) {
        encryptor.update(each, &mut out).unwrap();
    }
    (encryptor.finish(), out)
}

fn verified(attachment: Attachment, blob: &[u8], piece: usize) -> Result<Segments, Error> {
    let mut verifier = Verifier::new(attachment, &mut Counting(99)).unwrap();
    for each in blob.chunks(piece) {
        verifier.update(each).unwrap();
    }
    verifier.finish()
}

#[test]
fn files_of_every_size_come_back_whole_and_in_segments() {
    for size in [0, 1, 15, 16, 17, SEGMENT_LEN - 1, SEGMENT_LEN, SEGMENT_LEN + 1, 3 * SEGMENT_LEN] {
        let plaintext = plain(size);
        let (attachment, blob) = encrypted(&plaintext, 1_000);
        assert_eq!(plaintext, open(&attachment, &blob).unwrap().expose(), "{size}");

        let segments = verified(attachment, &blob, 7_001).unwrap();
        let mut out = Vec::new();
        for index in 0..u64::try_from(size.div_ceil(SEGMENT_LEN)).unwrap() {
            let (start, length) = segments.range(index).unwrap();
            let start = usize::try_from(start).unwrap();
            out.extend_from_slice(
                segments.open(index, &blob[start..start + length]).unwrap().expose(),
            );
        }
        assert_eq!(plaintext, out, "{size}");
        assert_eq!(Ok(segments.size()), u64::try_from(size));
        let behind = u64::try_from(size.div_ceil(SEGMENT_LEN)).unwrap();
        assert_eq!(Err(Error::InvalidArgument), segments.range(behind));
        assert_eq!(Err(Error::InvalidArgument), segments.range(u64::MAX));
    }
}

#[test]
fn the_size_of_pieces_does_not_matter() {
    let plaintext = plain(300);
    let (_, whole) = encrypted(&plaintext, 300);

    for piece in 1..300 {
        assert_eq!(whole, encrypted(&plaintext, piece).1, "pieces of {piece}");
    }
}

#[test]
fn a_fresh_key_has_eight_zero_bytes_as_its_counter() {
    let key = AttachmentKey::random(&mut Counting(0)).unwrap();

    assert_eq!([33, 34, 35, 36, 37, 38, 39, 40, 0, 0, 0, 0, 0, 0, 0, 0], *key.first_block());
    assert_eq!(1, key.expose()[0]);
}

#[test]
fn every_flipped_bit_and_every_cut_is_forged() {
    let (attachment, blob) = encrypted(&plain(40), 40);
    for bit in 0..blob.len() * 8 {
        let mut forged = blob.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Err(Error::Forged), open(&attachment, &forged).map(|_| ()), "bit {bit}");
    }
    for length in 0..blob.len() {
        assert_eq!(Err(Error::Forged), open(&attachment, &blob[..length]).map(|_| ()), "{length}");
    }
}

#[test]
fn a_segment_that_changed_after_the_first_pass_is_forged() {
    let (attachment, blob) = encrypted(&plain(2 * SEGMENT_LEN + 5), 1 << 16);
    let segments = verified(attachment, &blob, 1 << 16).unwrap();
    let (one, rest) = blob.split_at(SEGMENT_LEN);
    let (two, three) = rest.split_at(SEGMENT_LEN);

    let mut changed = three.to_vec();
    changed[4] ^= 1;
    for (index, wrong) in
        [(0, two), (1, one), (2, &changed), (2, &three[..4]), (0, three), (0, &[])]
    {
        assert_eq!(Err(Error::Forged), segments.open(index, wrong).map(|_| ()), "{index}");
    }
    assert!(segments.open(2, three).is_ok());
}

#[test]
fn the_first_pass_refuses_another_file() {
    let (_, blob) = encrypted(&plain(SEGMENT_LEN + 5), 1 << 16);
    for wrong in [&blob[1..], &blob[..SEGMENT_LEN], &[], &[&blob[..], b"1"].concat()] {
        let (attachment, _) = encrypted(&plain(SEGMENT_LEN + 5), 1 << 16);
        assert_eq!(Err(Error::Forged), verified(attachment, wrong, 4_096).map(|_| ()));
    }
}
