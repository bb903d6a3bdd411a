// SPDX-License-Identifier: MIT OR Apache-2.0
//! AES-256-CTR with a counter of 128 bits, big-endian, over bytes that come in pieces
//! (NIST SP 800-38A §6.5), for what Matrix clients store (olm_megolm.md §6, §7) and for what
//! Telegram's clients send (mtproto_secret_chats.md §9).
//!
//! It authenticates nothing: a tag or a digest of the ciphertext has to be verified first.

use core::fmt;

use aes::Aes256Enc;
use ctr::Ctr128BE;
use ctr::cipher::{IvState, KeyIvInit, StreamCipher, StreamCipherSeek};

use crate::secret::{Secret, SecretBytes};
use e2ee_wire::Error;

/// Bytes of a block.
pub const BLOCK_LEN: usize = 16;

/// The key stream of one key and first block; encrypting and decrypting are the same.
pub struct CtrStream(Ctr128BE<Aes256Enc>);

impl CtrStream {
    /// A stream at its first byte.
    #[must_use]
    pub fn new(key: &Secret<32>, first_block: &[u8; BLOCK_LEN]) -> Self {
        Self(Ctr128BE::new(key.expose().into(), first_block.into()))
    }

    /// A stream that goes on inside a block, of which so many bytes are used.
    ///
    /// [`Error::InvalidArgument`] if that is the whole block or more.
    pub fn resume(key: &Secret<32>, block: &[u8; BLOCK_LEN], used: u8) -> Result<Self, Error> {
        if usize::from(used) >= BLOCK_LEN {
            return Err(Error::InvalidArgument);
        }
        let mut stream = Self::new(key, block);
        stream.0.try_seek(u32::from(used)).map_err(|_| Error::InvalidArgument)?;
        Ok(stream)
    }

    /// What [`CtrStream::resume`] takes to go on from here; the counter wraps around.
    #[must_use]
    pub fn place(&self) -> ([u8; BLOCK_LEN], u8) {
        let position: u128 = self.0.try_current_pos().unwrap_or_default();
        let [used, ..] = (position % 16).to_le_bytes();
        // The counter of a block that was begun has moved on already.
        let next = u128::from_be_bytes(self.0.get_core().iv_state().0);
        (next.wrapping_sub(u128::from(used > 0)).to_be_bytes(), used)
    }

    /// What the bytes become, in their place.
    ///
    /// [`Error::InvalidArgument`], and nothing is changed, if the counter would be used up.
    pub fn apply(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.try_apply_keystream(bytes).map_err(|_| Error::InvalidArgument)
    }

    /// The same from one buffer into another of its length.
    ///
    /// [`Error::InvalidArgument`] for another length, too.
    pub fn apply_into(&mut self, bytes: &[u8], out: &mut [u8]) -> Result<(), Error> {
        self.0.try_apply_keystream_b2b(bytes, out).map_err(|_| Error::InvalidArgument)
    }

    /// Appends what the bytes become.
    ///
    /// [`Error::InvalidArgument`], and nothing is appended, if the counter would be used up.
    pub fn append(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let start = out.len();
        // Room for all of it first: a vector that grows later leaves plaintext in its old place.
        out.reserve(bytes.len());
        out.extend_from_slice(bytes);
        let (_, body) = out.split_at_mut(start);
        let outcome = self.0.try_apply_keystream(body).map_err(|_| Error::InvalidArgument);
        if outcome.is_err() {
            out.truncate(start);
        }
        outcome
    }

    /// What the bytes at `position` become.
    ///
    /// [`Error::InvalidArgument`] if the stream is not that long.
    pub fn open_at(&mut self, position: u64, bytes: &[u8]) -> Result<SecretBytes, Error> {
        self.0.try_seek(position).map_err(|_| Error::InvalidArgument)?;
        let mut opened = SecretBytes::new(bytes.to_vec());
        self.0.try_apply_keystream(opened.expose_mut()).map_err(|_| Error::InvalidArgument)?;
        Ok(opened)
    }
}

impl fmt::Debug for CtrStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CtrStream(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Secret<32> {
        Secret::new([7; 32])
    }

    fn whole(first_block: &[u8; 16], bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        CtrStream::new(&key(), first_block).append(bytes, &mut out).unwrap();
        out
    }

    #[test]
    fn pieces_of_every_length_give_the_same_as_the_whole() {
        let bytes: Vec<u8> = (0..=255).collect();
        let expected = whole(&[3; 16], &bytes);

        for length in 1..bytes.len() {
            let (mut stream, mut out) = (CtrStream::new(&key(), &[3; 16]), Vec::new());
            for piece in bytes.chunks(length) {
                stream.append(piece, &mut out).unwrap();
            }
            assert_eq!(expected, out, "pieces of {length}");
        }
    }

    #[test]
    fn what_was_encrypted_opens_from_any_place() {
        let bytes: Vec<u8> = (0..=255).collect();
        let sealed = whole(&[0; 16], &bytes);

        for place in 0..sealed.len() {
            let position = u64::try_from(place).unwrap();
            let opened = CtrStream::new(&key(), &[0; 16]).open_at(position, &sealed[place..]);
            assert_eq!(&bytes[place..], opened.unwrap().expose());
        }
    }

    #[test]
    fn a_stream_goes_on_from_where_another_stood() {
        let bytes: Vec<u8> = (0..=255).collect();
        let expected = whole(&[0xff; 16], &bytes);

        for split in 0..=bytes.len() {
            let (first, rest) = bytes.split_at(split);
            let mut stream = CtrStream::new(&key(), &[0xff; 16]);
            let (mut out, mut more) = (first.to_vec(), vec![0; rest.len()]);
            stream.apply(&mut out).unwrap();
            let (block, used) = stream.place();
            let mut next = CtrStream::resume(&key(), &block, used).unwrap();
            next.apply_into(rest, &mut more).unwrap();

            assert_eq!(u8::try_from(split % 16).unwrap(), used);
            assert_eq!(expected, [out, more].concat(), "split at {split}");
        }
    }

    #[test]
    fn a_whole_block_cannot_be_used_already() {
        assert!(CtrStream::resume(&key(), &[0; 16], 15).is_ok());
        assert!(CtrStream::resume(&key(), &[0; 16], 16).is_err());
    }

    #[test]
    fn the_counter_carries_through_all_of_its_sixteen_bytes() {
        let across = whole(&[0xff; 16], &[0; 32]);

        assert_eq!(whole(&[0; 16], &[0; 16]), across[16..]);
        let low = whole(&core::array::from_fn(|at| if at < 8 { 0 } else { 0xff }), &[0; 32]);
        let next = core::array::from_fn(|at| u8::from(at == 7));
        assert_eq!(whole(&next, &[0; 16]), low[16..]);
    }
}
