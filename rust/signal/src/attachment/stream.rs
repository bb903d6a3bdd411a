// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opening a blob while it comes, each chunk as soon as its value of the incremental MAC is verified
//! (signal.md §13).
//!
//! Cut or altered bytes are found in the chunk in which they are. That the file is complete is
//! known at the end only.

use e2ee_primitives::{Secret, SecretBytes, cbc_stream::CbcDecryptor, sha::RunningSha256};
use e2ee_wire::Error;

use super::{AttachmentPointer, ChunkSize, IV_LEN, IncrementalCheck, TAG_LEN};

/// The last block and the tag: they wait for the end, where the padding is taken off.
const HELD: usize = 16 + TAG_LEN;

/// Opens one blob, chunk by chunk.
#[derive(Debug)]
pub struct StreamOpener {
    check: IncrementalCheck,
    digest: RunningSha256,
    expected_digest: [u8; 32],
    chunk: ChunkSize,
    cipher: Cipher,
    /// Verified bytes of the blob that are not decrypted yet.
    pending: Vec<u8>,
    /// Bytes of the file that were not released yet.
    left: usize,
}

/// Whether the IV, which begins the blob, has come.
#[derive(Debug)]
enum Cipher {
    Waiting(Secret<32>),
    Running(Box<CbcDecryptor>),
}

impl StreamOpener {
    /// A reader at the first byte; [`Error::InvalidArgument`] without an incremental MAC.
    pub fn new(pointer: &AttachmentPointer) -> Result<Self, Error> {
        let incremental = pointer.incremental.as_ref().ok_or(Error::InvalidArgument)?;
        Ok(Self {
            check: IncrementalCheck::new(&pointer.key.mac(), &incremental.values),
            digest: RunningSha256::new(),
            expected_digest: pointer.digest,
            chunk: incremental.chunk,
            cipher: Cipher::Waiting(pointer.key.cipher()),
            pending: Vec::new(),
            left: usize::try_from(pointer.size).map_err(|_| Error::InvalidArgument)?,
        })
    }

    /// Bytes that each chunk but the last must have.
    #[must_use]
    pub const fn chunk(&self) -> ChunkSize {
        self.chunk
    }

    /// Verifies a full chunk, and gives what can be decrypted by now.
    ///
    /// [`Error::InvalidArgument`] for another length, [`Error::Forged`] if it is not the next chunk
    /// of this blob; both change nothing.
    pub fn open_chunk(&mut self, chunk: &[u8]) -> Result<SecretBytes, Error> {
        if chunk.len() != self.chunk.length() {
            return Err(Error::InvalidArgument);
        }
        self.check.chunk(chunk)?;
        self.digest.update(chunk);
        self.pending.extend_from_slice(chunk);
        self.begin();
        let mut out = SecretBytes::new(Vec::new());
        let ready = self.pending.len().saturating_sub(HELD);
        let ready = ready - ready % 16;
        if let (Cipher::Running(cipher), Some(blocks)) =
            (&mut self.cipher, self.pending.get(..ready))
        {
            cipher.decrypt_into(blocks, &mut out)?;
            self.pending.drain(..ready);
        }
        out.truncate(self.left);
        self.left = self.left.saturating_sub(out.len());
        Ok(out)
    }

    /// Verifies what is behind the last full chunk, the tag and the digest, and gives the rest.
    ///
    /// [`Error::InvalidArgument`] if `rest` is a chunk or more, else every failure is
    /// [`Error::Forged`].
    pub fn finish(mut self, rest: &[u8]) -> Result<SecretBytes, Error> {
        if rest.len() >= self.chunk.length() {
            return Err(Error::InvalidArgument);
        }
        let mac = self.check.finish(rest)?;
        self.digest.update(rest);
        if !mac.tag_verifies() || self.digest.finish() != self.expected_digest {
            return Err(Error::Forged);
        }
        self.pending.extend_from_slice(rest);
        let body_len = self.pending.len().checked_sub(TAG_LEN).ok_or(Error::Forged)?;
        self.pending.truncate(body_len);
        let cipher = start(self.cipher, &mut self.pending);
        let Cipher::Running(cipher) = cipher else { return Err(Error::Forged) };
        let mut out = SecretBytes::new(Vec::new());
        cipher.finish_into(&self.pending, &mut out)?;
        if out.len() < self.left {
            return Err(Error::Forged);
        }
        out.truncate(self.left);
        Ok(out)
    }

    fn begin(&mut self) {
        let waiting = Cipher::Waiting(Secret::new([0; 32]));
        let cipher = core::mem::replace(&mut self.cipher, waiting);
        self.cipher = start(cipher, &mut self.pending);
    }
}

/// Takes the IV off the front, once it is there.
fn start(cipher: Cipher, pending: &mut Vec<u8>) -> Cipher {
    match (cipher, pending.first_chunk::<IV_LEN>().copied()) {
        (Cipher::Waiting(key), Some(iv)) => {
            pending.drain(..IV_LEN);
            Cipher::Running(Box::new(CbcDecryptor::new(&key, &iv)))
        }
        (cipher, _) => cipher,
    }
}
