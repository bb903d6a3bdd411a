// SPDX-License-Identifier: MIT OR Apache-2.0
//! Both directions of AES-256-IGE under one name (mtproto_secret_chats.md §2).

use aes::{Aes256Dec, Aes256Enc};

use super::{IgeDecryptor, IgeEncryptor, Lane, decrypt_many, encrypt_many};
use crate::secret::{Secret, SecretBytes};
use e2ee_wire::Error;

/// A stream in one direction.
pub trait Stream: Sized + Send {
    /// What tells its lanes from those of the other direction.
    type Cipher: Send + Sync;

    /// A stream at its first block.
    fn start(key: &Secret<32>, iv: &Secret<32>) -> Self;

    /// Works on the blocks in their place; [`Error::InvalidArgument`] for a part of one.
    fn apply(&mut self, bytes: &mut [u8]) -> Result<(), Error>;

    /// From one buffer into another; [`Error::InvalidArgument`] for a part of a block or two lengths.
    fn apply_into(&mut self, from: &[u8], to: &mut [u8]) -> Result<(), Error>;

    /// The same, among others.
    fn lane<'a>(
        &'a mut self,
        from: &'a [u8],
        to: &'a mut [u8],
    ) -> Result<Lane<'a, Self::Cipher>, Error>;

    /// The same in place; [`Error::InvalidArgument`] for a part of a block.
    fn lane_in_place<'a>(
        &'a mut self,
        bytes: &'a mut SecretBytes,
    ) -> Result<Lane<'a, Self::Cipher>, Error>;

    /// Works on what each of the streams has.
    fn many(lanes: Vec<Lane<'_, Self::Cipher>>);
}

impl Stream for IgeEncryptor {
    type Cipher = Aes256Enc;

    fn start(key: &Secret<32>, iv: &Secret<32>) -> Self {
        Self::new(key, iv)
    }

    fn apply(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.encrypt(bytes)
    }

    fn apply_into(&mut self, from: &[u8], to: &mut [u8]) -> Result<(), Error> {
        self.encrypt_into(from, to)
    }

    fn lane<'a>(
        &'a mut self,
        from: &'a [u8],
        to: &'a mut [u8],
    ) -> Result<Lane<'a, Aes256Enc>, Error> {
        Lane::new(&self.cipher, &mut self.chain, (Some(from), to))
    }

    fn lane_in_place<'a>(
        &'a mut self,
        bytes: &'a mut SecretBytes,
    ) -> Result<Lane<'a, Aes256Enc>, Error> {
        Lane::new(&self.cipher, &mut self.chain, (None, bytes.expose_mut()))
    }

    fn many(lanes: Vec<Lane<'_, Aes256Enc>>) {
        encrypt_many(lanes);
    }
}

impl Stream for IgeDecryptor {
    type Cipher = Aes256Dec;

    fn start(key: &Secret<32>, iv: &Secret<32>) -> Self {
        Self::new(key, iv)
    }

    fn apply(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.decrypt(bytes)
    }

    fn apply_into(&mut self, from: &[u8], to: &mut [u8]) -> Result<(), Error> {
        self.decrypt_into(from, to)
    }

    fn lane<'a>(
        &'a mut self,
        from: &'a [u8],
        to: &'a mut [u8],
    ) -> Result<Lane<'a, Aes256Dec>, Error> {
        Lane::new(&self.cipher, &mut self.chain, (Some(from), to))
    }

    fn lane_in_place<'a>(
        &'a mut self,
        bytes: &'a mut SecretBytes,
    ) -> Result<Lane<'a, Aes256Dec>, Error> {
        Lane::new(&self.cipher, &mut self.chain, (None, bytes.expose_mut()))
    }

    fn many(lanes: Vec<Lane<'_, Aes256Dec>>) {
        decrypt_many(lanes);
    }
}
