// SPDX-License-Identifier: MIT OR Apache-2.0
//! The chain against the definition of the mode, block by block.

use aes::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _};

use super::*;
use crate::secret::SecretBytes;

fn key(number: u8) -> Secret<32> {
    Secret::new([number; 32])
}

fn iv(number: u8) -> Secret<32> {
    Secret::new(core::array::from_fn(|at| {
        number.wrapping_mul(31).wrapping_add(at.to_le_bytes()[0])
    }))
}

fn bytes(length: usize, number: u8) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + at / 251).to_le_bytes()[0] ^ number).collect()
}

fn xor(left: &[u8], right: &[u8]) -> [u8; 16] {
    core::array::from_fn(|at| left[at] ^ right[at])
}

/// The mode as mtproto_secret_chats.md §2 writes it.
fn defined(key: &Secret<32>, iv: &Secret<32>, plaintext: &[u8]) -> Vec<u8> {
    let cipher = Aes256Enc::new(key.expose().into());
    let (mut c, mut p) = (iv.expose()[..16].to_vec(), iv.expose()[16..].to_vec());
    let mut out = Vec::new();
    for block in plaintext.chunks(16) {
        let mut work: Block = xor(block, &c).into();
        cipher.encrypt_block(&mut work);
        c = xor(&work, &p).to_vec();
        p = block.to_vec();
        out.extend_from_slice(&c);
    }
    out
}

/// Decryption as it is written there.
fn undone(key: &Secret<32>, iv: &Secret<32>, ciphertext: &[u8]) -> Vec<u8> {
    let cipher = Aes256Dec::new(key.expose().into());
    let (mut c, mut p) = (iv.expose()[..16].to_vec(), iv.expose()[16..].to_vec());
    let mut out = Vec::new();
    for block in ciphertext.chunks(16) {
        let mut work: Block = xor(block, &p).into();
        cipher.decrypt_block(&mut work);
        p = xor(&work, &c).to_vec();
        c = block.to_vec();
        out.extend_from_slice(&p);
    }
    out
}

#[test]
fn every_number_of_blocks_is_as_defined() {
    for blocks in 0..40 {
        let plaintext = bytes(blocks * 16, 5);
        let expected = defined(&key(7), &iv(9), &plaintext);

        let mut sealed = plaintext.clone();
        IgeEncryptor::new(&key(7), &iv(9)).encrypt(&mut sealed).unwrap();
        let mut opened = sealed.clone();
        IgeDecryptor::new(&key(7), &iv(9)).decrypt(&mut opened).unwrap();

        assert_eq!((&expected, &plaintext), (&sealed, &opened), "{blocks} blocks");
        assert_eq!(plaintext, undone(&key(7), &iv(9), &expected));
    }
}

#[test]
fn pieces_of_every_length_give_the_same_as_the_whole() {
    let plaintext = bytes(16 * 40, 3);
    let expected = defined(&key(7), &iv(9), &plaintext);

    for piece in 1..=40 {
        let mut work = plaintext.clone();
        let mut cipher = IgeEncryptor::new(&key(7), &iv(9));
        work.chunks_mut(16 * piece).for_each(|part| cipher.encrypt(part).unwrap());
        assert_eq!(expected, work, "pieces of {piece} blocks");

        let mut cipher = IgeDecryptor::new(&key(7), &iv(9));
        work.chunks_mut(16 * piece).for_each(|part| cipher.decrypt(part).unwrap());
        assert_eq!(plaintext, work, "pieces of {piece} blocks");
    }
}

#[test]
fn from_one_buffer_into_another_is_the_same_as_in_place() {
    let plaintext = bytes(16 * 27, 1);
    let (mut sealed, mut opened) = (vec![0; plaintext.len()], vec![0; plaintext.len()]);

    IgeEncryptor::new(&key(7), &iv(9)).encrypt_into(&plaintext, &mut sealed).unwrap();
    IgeDecryptor::new(&key(7), &iv(9)).decrypt_into(&sealed, &mut opened).unwrap();

    assert_eq!(defined(&key(7), &iv(9), &plaintext), sealed);
    assert_eq!(plaintext, opened);
}

#[test]
fn streams_side_by_side_are_the_same_as_alone() {
    for streams in 0..=20 {
        let lengths: Vec<usize> = (0..streams).map(|at| (at * at * 5 + at) % 61 * 16).collect();
        let plain: Vec<Vec<u8>> =
            lengths.iter().zip(0..).map(|(length, at)| bytes(*length, at)).collect();
        let mut sealed: Vec<Vec<u8>> = lengths.iter().map(|length| vec![0; *length]).collect();
        let mut opened = sealed.clone();
        let mut ciphers: Vec<_> =
            (0..).take(streams).map(|at| IgeEncryptor::new(&key(at), &iv(at))).collect();
        let lanes = ciphers.iter_mut().zip(&plain).zip(&mut sealed);
        IgeEncryptor::many(
            lanes.map(|((cipher, from), to)| cipher.lane(from, to).unwrap()).collect(),
        );
        for ((at, from), to) in (0..).zip(&plain).zip(&sealed) {
            assert_eq!(&defined(&key(at), &iv(at), from), to, "stream {at} of {streams}");
        }

        let mut ciphers: Vec<_> =
            (0..).take(streams).map(|at| IgeDecryptor::new(&key(at), &iv(at))).collect();
        let lanes = ciphers.iter_mut().zip(&sealed).zip(&mut opened);
        IgeDecryptor::many(
            lanes.map(|((cipher, from), to)| cipher.lane(from, to).unwrap()).collect(),
        );
        assert_eq!(plain, opened, "{streams} streams");
    }
}

#[test]
fn streams_side_by_side_in_place_are_the_same_as_into_another_buffer() {
    let plain: Vec<Vec<u8>> = (0..11).map(|at| bytes(16 * usize::from(at) * 3, at)).collect();
    let mut work: Vec<_> = plain.iter().cloned().map(SecretBytes::new).collect();

    let mut ciphers: Vec<_> = (0..11).map(|at| IgeEncryptor::new(&key(at), &iv(at))).collect();
    let lanes = ciphers.iter_mut().zip(&mut work);
    IgeEncryptor::many(lanes.map(|(cipher, bytes)| cipher.lane_in_place(bytes).unwrap()).collect());
    for ((at, from), sealed) in (0..).zip(&plain).zip(&work) {
        assert_eq!(defined(&key(at), &iv(at), from), sealed.expose(), "stream {at}");
    }

    let mut ciphers: Vec<_> = (0..11).map(|at| IgeDecryptor::new(&key(at), &iv(at))).collect();
    let lanes = ciphers.iter_mut().zip(&mut work);
    IgeDecryptor::many(lanes.map(|(cipher, bytes)| cipher.lane_in_place(bytes).unwrap()).collect());
    for (from, opened) in plain.iter().zip(&work) {
        assert_eq!(from, opened.expose());
    }
}

#[test]
fn a_stream_goes_on_alone_where_it_stood_among_others() {
    let plaintext = bytes(16 * 31, 2);
    let (first, rest) = plaintext.split_at(16 * 13);
    let (mut out, mut other) = (vec![0; first.len()], vec![0; 16 * 3]);
    let mut cipher = IgeEncryptor::new(&key(7), &iv(9));
    let mut beside = IgeEncryptor::new(&key(1), &iv(1));

    let among = beside.lane(&[0; 48], &mut other).unwrap();
    IgeEncryptor::many(vec![among, cipher.lane(first, &mut out).unwrap()]);
    let mut rest = rest.to_vec();
    cipher.encrypt(&mut rest).unwrap();

    assert_eq!(defined(&key(7), &iv(9), &plaintext), [out, rest].concat());
}

#[test]
fn a_part_of_a_block_changes_nothing() {
    let (mut sealing, mut opening) =
        (IgeEncryptor::new(&key(7), &iv(9)), IgeDecryptor::new(&key(7), &iv(9)));
    let mut work = [3; 17];

    assert_eq!(Err(Error::InvalidArgument), sealing.encrypt(&mut work));
    assert_eq!(Err(Error::InvalidArgument), opening.decrypt(&mut work));
    assert_eq!(Err(Error::InvalidArgument), sealing.encrypt_into(&[0; 16], &mut work));
    assert!(sealing.lane(&[0; 17], &mut work).is_err());
    assert!(sealing.lane(&[0; 16], &mut [0; 32]).is_err());
    assert!(sealing.lane_in_place(&mut SecretBytes::new(vec![0; 17])).is_err());
    assert_eq!([3; 17], work);
    let mut block = [4; 16];
    sealing.encrypt(&mut block).unwrap();
    assert_eq!(defined(&key(7), &iv(9), &[4; 16]), block);
}
