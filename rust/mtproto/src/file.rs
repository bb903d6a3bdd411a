// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files beside the messages (mtproto_secret_chats.md §7).
//!
//! A file is one stream of AES-256-IGE under a key of its own, which travels inside a message, as
//! its size does. There is no MAC: who keeps the ciphertext can change it, and nothing here finds
//! out. A changed block garbles what follows it, and an application that needs to know has to put a
//! hash of the file into the message.

use e2ee_primitives::{
    Random, Secret, SecretBytes,
    ige::{BLOCK_LEN, IV_LEN, IgeDecryptor, IgeEncryptor},
    md5::md5,
};
use e2ee_wire::Error;

/// The key of one file and where its stream begins.
#[derive(Debug)]
pub struct FileKey {
    key: Secret<32>,
    iv: Secret<IV_LEN>,
}

impl FileKey {
    /// A key and an IV that a message has.
    #[must_use]
    pub const fn new(key: Secret<32>, iv: Secret<IV_LEN>) -> Self {
        Self { key, iv }
    }

    /// A fresh key; draws exactly 64 bytes.
    pub fn generate(random: &mut dyn Random) -> Result<Self, Error> {
        Ok(Self { key: Secret::random(random)?, iv: Secret::random(random)? })
    }

    /// The key, for the message.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.key.expose()
    }

    /// The IV, for the message.
    #[must_use]
    pub const fn expose_iv(&self) -> &[u8; IV_LEN] {
        self.iv.expose()
    }

    /// `key_fingerprint`, which the server shows beside the ciphertext: the first four bytes of MD5
    /// of key and IV, xor the next four (§7).
    #[must_use]
    pub fn fingerprint(&self) -> i32 {
        let digest = Secret::new(md5(&[self.key.expose(), self.iv.expose()]));
        let (first, second) = (digest.part::<0, 4>(), digest.part::<4, 4>());
        i32::from_le_bytes(*first.expose()) ^ i32::from_le_bytes(*second.expose())
    }
}

/// Encrypts one file, piece by piece.
#[derive(Debug)]
pub struct FileEncryptor {
    cipher: IgeEncryptor,
    /// The start of a block whose rest has not come yet.
    partial: SecretBytes,
    size: u64,
}

impl FileEncryptor {
    /// An encryptor at the first byte; a key is for one file.
    #[must_use]
    pub fn new(key: &FileKey) -> Self {
        Self { cipher: IgeEncryptor::new(&key.key, &key.iv), partial: block(), size: 0 }
    }

    /// Appends the ciphertext of all blocks that are whole by now.
    ///
    /// [`Error::Exhausted`] from 2⁶³ bytes on, which no message can tell.
    pub fn update(&mut self, plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let size = u64::try_from(plaintext.len()).ok().and_then(|more| self.size.checked_add(more));
        let size = size.filter(|&size| i64::try_from(size).is_ok()).ok_or(Error::Exhausted)?;
        let start = out.len();
        whole_blocks(&mut self.partial, plaintext, out);
        let (_, blocks) = out.split_at_mut(start);
        self.cipher.encrypt(blocks)?;
        self.size = size;
        Ok(())
    }

    /// Appends the last block, if it is a part of one, filled up at random, and returns the size of
    /// the file, for the message.
    pub fn finish(mut self, random: &mut dyn Random, out: &mut Vec<u8>) -> Result<u64, Error> {
        let size = self.size;
        let mut padding = [0; BLOCK_LEN];
        let length = self.partial.len().wrapping_neg() % BLOCK_LEN;
        let (padding, _) = padding.split_at_mut(length);
        random.fill(padding)?;
        self.update(padding, out)?;
        Ok(size)
    }
}

/// Decrypts one file, piece by piece.
#[derive(Debug)]
pub struct FileDecryptor {
    cipher: IgeDecryptor,
    /// The start of a block whose rest has not come yet.
    partial: SecretBytes,
    /// Bytes of the file that have not been returned yet.
    missing: u64,
    /// Bytes of the ciphertext that have not come yet.
    expected: u64,
}

impl FileDecryptor {
    /// A decryptor at the first byte of a file of `size` bytes, whose key has this fingerprint.
    ///
    /// [`Error::Forged`] if it has another one: the server's file is not the one of the message.
    /// [`Error::InvalidArgument`] for a size from 2⁶³ on.
    pub fn new(key: &FileKey, fingerprint: i32, size: u64) -> Result<Self, Error> {
        if i64::try_from(size).is_err() {
            return Err(Error::InvalidArgument);
        }
        if fingerprint != key.fingerprint() {
            return Err(Error::Forged);
        }
        let cipher = IgeDecryptor::new(&key.key, &key.iv);
        Ok(Self { cipher, partial: block(), missing: size, expected: ciphertext_len(size) })
    }

    /// Appends what the blocks that are whole by now give, without the padding.
    ///
    /// [`Error::Forged`], and nothing is appended, if that is more ciphertext than the size allows.
    pub fn update(&mut self, ciphertext: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let taken = u64::try_from(ciphertext.len()).map_err(|_| Error::Forged)?;
        let expected = self.expected.checked_sub(taken).ok_or(Error::Forged)?;
        let start = out.len();
        whole_blocks(&mut self.partial, ciphertext, out);
        let (_, blocks) = out.split_at_mut(start);
        self.cipher.decrypt(blocks)?;
        let length = blocks.len().min(usize::try_from(self.missing).unwrap_or(usize::MAX));
        out.truncate(start.saturating_add(length));
        self.missing = self.missing.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
        self.expected = expected;
        Ok(())
    }

    /// Ends the file; [`Error::Forged`] if some of it has not come.
    pub fn finish(self) -> Result<(), Error> {
        if self.expected == 0 { Ok(()) } else { Err(Error::Forged) }
    }
}

/// The bytes of the ciphertext of a file of `size` bytes.
#[must_use]
pub const fn ciphertext_len(size: u64) -> u64 {
    size.div_ceil(16).saturating_mul(16)
}

fn block() -> SecretBytes {
    SecretBytes::new(Vec::with_capacity(BLOCK_LEN))
}

/// Appends the blocks that are whole by now, and keeps what is left.
fn whole_blocks(partial: &mut SecretBytes, bytes: &[u8], out: &mut Vec<u8>) {
    let available = partial.len().saturating_add(bytes.len());
    let (head, rest) = bytes.split_at(bytes.len().saturating_sub(available % BLOCK_LEN));
    if available < BLOCK_LEN {
        let joined = SecretBytes::new([partial.expose(), bytes].concat());
        partial.prepare(available).copy_from_slice(joined.expose());
        return;
    }
    // Room for all of it first: a vector that grows later leaves plaintext in its old place.
    out.reserve(available);
    out.extend_from_slice(partial.expose());
    out.extend_from_slice(head);
    partial.prepare(rest.len()).copy_from_slice(rest);
}

#[cfg(test)]
mod tests;
