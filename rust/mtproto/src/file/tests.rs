// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the vectors do not reach: pieces, sizes, and what is cut or too long.

use super::*;

struct Sevens;

impl Random for Sevens {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(7);
        Ok(())
    }
}

fn key() -> FileKey {
    FileKey::generate(&mut Sevens).unwrap()
}

fn content(size: usize) -> Vec<u8> {
    (0..size).map(|index| index.to_le_bytes()[0]).collect()
}

fn encrypted(content: &[u8], piece: usize) -> Vec<u8> {
    let (mut out, mut encryptor) = (Vec::new(), FileEncryptor::new(&key()));
    for part in content.chunks(piece) {
        encryptor.update(part, &mut out).unwrap();
    }
    let size = encryptor.finish(&mut Sevens, &mut out).unwrap();
    assert_eq!(content.len(), usize::try_from(size).unwrap());
    out
}

fn decryptor(size: usize) -> FileDecryptor {
    FileDecryptor::new(&key(), key().fingerprint(), u64::try_from(size).unwrap()).unwrap()
}

#[test]
fn a_file_of_any_size_comes_back_from_pieces_of_any_size() {
    for size in [0, 1, 15, 16, 17, 31, 32, 100] {
        let content = content(size);
        let whole = encrypted(&content, 1000);
        assert_eq!(ciphertext_len(u64::try_from(size).unwrap()), whole.len().try_into().unwrap());
        for piece in [1, 3, 15, 16, 17, 40, 200] {
            assert_eq!(whole, encrypted(&content, piece));
            let (mut out, mut decryptor) = (Vec::new(), decryptor(size));
            for part in whole.chunks(piece) {
                decryptor.update(part, &mut out).unwrap();
            }

            assert_eq!(Ok(()), decryptor.finish());
            assert_eq!(content, out, "{size} bytes in pieces of {piece}");
        }
    }
}

#[test]
fn a_ciphertext_that_was_cut_is_refused_at_its_end() {
    let whole = encrypted(&content(40), 1000);
    for end in 0..whole.len() {
        let mut decryptor = decryptor(40);
        decryptor.update(&whole[..end], &mut Vec::new()).unwrap();

        assert_eq!(Err(Error::Forged), decryptor.finish());
    }
}

#[test]
fn a_ciphertext_that_is_too_long_is_refused_and_changes_nothing() {
    let whole = encrypted(&content(40), 1000);
    let (mut out, mut decryptor) = (Vec::new(), decryptor(40));
    let longer = [&whole[..], &[0]].concat();

    assert_eq!(Err(Error::Forged), decryptor.update(&longer, &mut out));
    assert!(out.is_empty());
    assert_eq!(Ok(()), decryptor.update(&whole, &mut out));
    assert_eq!(content(40), out);
}

#[test]
fn a_changed_ciphertext_is_not_found() {
    let mut whole = encrypted(&content(64), 1000);
    whole[20] ^= 1;
    let (mut out, mut decryptor) = (Vec::new(), decryptor(64));

    assert_eq!(Ok(()), decryptor.update(&whole, &mut out));

    assert_eq!(Ok(()), decryptor.finish());
    assert_eq!(content(64)[..16], out[..16]);
    assert_ne!(content(64)[16..32], out[16..32]);
    assert_ne!(content(64)[48..], out[48..]);
}

#[test]
fn a_key_of_another_fingerprint_is_refused() {
    let refused = FileDecryptor::new(&key(), key().fingerprint() ^ 1, 16);

    assert_eq!(Some(Error::Forged), refused.err());
}

#[test]
fn a_size_that_no_message_can_tell_is_refused() {
    let largest = u64::try_from(i64::MAX).unwrap();

    assert!(FileDecryptor::new(&key(), key().fingerprint(), largest).is_ok());
    let refused = FileDecryptor::new(&key(), key().fingerprint(), largest + 1);
    assert_eq!(Some(Error::InvalidArgument), refused.err());
}
