// SPDX-License-Identifier: MIT OR Apache-2.0
//! AES-256-GCM beside its portable twin, and everything that must not open (SP 800-38D).

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead, KeyInit, Payload};

use super::*;
use crate::hkdf;

const NONCE: [u8; NONCE_LEN] = [2; NONCE_LEN];

fn key() -> GcmKey {
    GcmKey::new(&Secret::new([1; 32])).unwrap()
}

fn sealed(plaintext: &[u8]) -> Vec<u8> {
    let mut out = vec![0; plaintext.len() + TAG_LEN];
    key().seal(&NONCE, b"ad", plaintext, &mut out).unwrap();
    out
}

fn opened(key: &GcmKey, nonce: &[u8; 12], data: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = vec![9; sealed.len().saturating_sub(TAG_LEN)];
    let verdict = key.open(nonce, data, sealed, &mut out);
    assert!(verdict.is_ok() || sealed.len() < TAG_LEN || out.iter().all(|byte| *byte == 0));
    let mut buffer = sealed.to_vec();
    let in_place = key.open_in_place(nonce, data, &mut buffer).map(|plaintext| plaintext.to_vec());
    assert_eq!(verdict.map(|()| out.clone()), in_place);
    verdict.map(|()| out)
}

/// Bytes that look random and are the same in every run.
fn bytes(number: usize, length: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for block in 0.. {
        if out.len() >= length {
            break;
        }
        let info = format!("{number} {block}");
        out.extend_from_slice(hkdf::derive::<4096>(b"", &[b"gcm"], &[info.as_bytes()]).expose());
    }
    out.truncate(length);
    out
}

#[test]
fn it_agrees_with_its_twin() {
    for (number, length) in [0, 1, 15, 16, 17, 255, 256, 257, 4_095, 65_537].into_iter().enumerate()
    {
        let material = bytes(number, 32 + 12 + 33 + length);
        let (key, rest) = material.split_first_chunk::<32>().unwrap();
        let (nonce, rest) = rest.split_first_chunk::<12>().unwrap();
        let (data, plaintext) = rest.split_at(33);
        let payload = Payload { msg: plaintext, aad: data };
        let theirs = Aes256Gcm::new(key.into()).encrypt(nonce.into(), payload).unwrap();

        let ours = GcmKey::new(&Secret::new(*key)).unwrap();
        let mut apart = vec![0; length + TAG_LEN];
        ours.seal(nonce, data, plaintext, &mut apart).unwrap();
        let mut in_place = [plaintext, &[0; TAG_LEN]].concat();
        ours.seal_in_place(nonce, data, &mut in_place).unwrap();

        assert_eq!(theirs, apart, "{length} bytes");
        assert_eq!(theirs, in_place, "{length} bytes");
        assert_eq!(Ok(plaintext.to_vec()), opened(&ours, nonce, data, &theirs));
    }
}

#[test]
fn every_flipped_bit_is_forged() {
    let honest = sealed(b"forty bytes, that is two and a half block");
    for bit in 0..honest.len() * 8 {
        let mut forged = honest.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Err(Error::Forged), opened(&key(), &NONCE, b"ad", &forged), "bit {bit}");
    }
}

#[test]
fn every_truncation_is_forged() {
    let honest = sealed(b"text");
    for length in 0..honest.len() {
        let cut = &honest[..length];
        assert_eq!(Err(Error::Forged), opened(&key(), &NONCE, b"ad", cut), "{length} bytes");
    }
}

#[test]
fn another_key_nonce_or_data_is_forged() {
    let honest = sealed(b"text");
    let other = GcmKey::new(&Secret::new([3; 32])).unwrap();

    assert_eq!(Ok(b"text".to_vec()), opened(&key(), &NONCE, b"ad", &honest));
    assert_eq!(Err(Error::Forged), opened(&other, &NONCE, b"ad", &honest));
    assert_eq!(Err(Error::Forged), opened(&key(), &[3; 12], b"ad", &honest));
    assert_eq!(Err(Error::Forged), opened(&key(), &NONCE, b"a", &honest));
}

#[test]
fn a_buffer_of_another_length_is_refused() {
    let key = key();

    for length in [0, TAG_LEN - 1, TAG_LEN + 3, TAG_LEN + 5] {
        let mut out = vec![0; length];
        assert_eq!(Err(Error::InvalidArgument), key.seal(&NONCE, b"", b"text", &mut out));
    }
    assert_eq!(Err(Error::InvalidArgument), key.open(&NONCE, b"ad", &sealed(b"text"), &mut [0; 3]));
    assert_eq!(Err(Error::InvalidArgument), key.seal_in_place(&NONCE, b"", &mut [0; 15]));
    assert_eq!(Err(Error::Forged), key.open_in_place(&NONCE, b"", &mut [0; 15]).map(|_| ()));
}

#[test]
fn one_key_serves_many_threads() {
    let (key, honest) = (key(), sealed(&bytes(1, 10_000)));

    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert!(opened(&key, &NONCE, b"ad", &honest).is_ok());
                }
            });
        }
    });
}

#[test]
fn nothing_is_printed() {
    assert_eq!("GcmKey(..)", format!("{:?}", key()));
}
