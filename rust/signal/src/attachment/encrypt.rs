// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a file to its blob and pointer, piece by piece (signal.md §13).
//!
//! ```text
//!   begin ──update…──► all bytes given ──pad…──► padded ──finish──► pointer
//! ```

use e2ee_primitives::{Random, cbc_stream::CbcEncryptor, sha::RunningSha256};
use e2ee_wire::Error;

use super::{
    AttachmentKey, AttachmentPointer, ChunkSize, IV_LEN, Incremental, IncrementalMac, blob_len,
    padded_len,
};

/// Zeros that `pad` encrypts at a time.
const PAD_PIECE: u32 = 64 * 1_024;
static ZEROS: [u8; 64 * 1_024] = [0; 64 * 1_024];

/// Encrypts one file under a key and an IV that are drawn here.
#[derive(Debug)]
pub struct Encryptor {
    key: AttachmentKey,
    cipher: CbcEncryptor,
    mac: IncrementalMac,
    chunk: ChunkSize,
    digest: RunningSha256,
    size: u32,
    /// Bytes of the file that have not been given yet.
    left: u32,
    /// Zeros that have not been written yet.
    padding: u64,
}

impl Encryptor {
    /// An encryptor for a file of exactly `size` bytes; it appends the start of the blob to `out`.
    pub fn begin(size: u32, random: &mut dyn Random, out: &mut Vec<u8>) -> Result<Self, Error> {
        let key = AttachmentKey::random(random)?;
        let mut iv = [0; IV_LEN];
        random.fill(&mut iv)?;
        let chunk = ChunkSize::for_len(blob_len(size));
        let mut encryptor = Self {
            cipher: CbcEncryptor::new(&key.cipher(), &iv),
            mac: IncrementalMac::new(&key.mac(), chunk),
            chunk,
            digest: RunningSha256::new(),
            size,
            left: size,
            padding: padded_len(size).saturating_sub(u64::from(size)),
            key,
        };
        out.extend_from_slice(&iv);
        encryptor.absorb(&iv);
        Ok(encryptor)
    }

    /// Encrypts the next bytes of the file, and appends what is ready of the blob.
    ///
    /// [`Error::InvalidArgument`], which changes nothing, if there are more than were announced.
    pub fn update(&mut self, plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let given = u32::try_from(plaintext.len()).map_err(|_| Error::InvalidArgument)?;
        self.left = self.left.checked_sub(given).ok_or(Error::InvalidArgument)?;
        self.encrypt(plaintext, out);
        Ok(())
    }

    /// Encrypts some of the zeros behind the file; false, and nothing is appended, when all are.
    ///
    /// [`Error::InvalidArgument`] if not all of the file was given.
    pub fn pad(&mut self, out: &mut Vec<u8>) -> Result<bool, Error> {
        if self.left != 0 {
            return Err(Error::InvalidArgument);
        }
        let piece = self.padding.min(u64::from(PAD_PIECE));
        let zeros = usize::try_from(piece).ok().and_then(|length| ZEROS.get(..length));
        self.padding = self.padding.saturating_sub(piece);
        self.encrypt(zeros.unwrap_or(&[]), out);
        Ok(piece > 0)
    }

    /// Appends the end of the blob, and gives its pointer.
    ///
    /// [`Error::InvalidArgument`] if not all of the file was given and padded.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<AttachmentPointer, Error> {
        if self.left != 0 || self.padding != 0 {
            return Err(Error::InvalidArgument);
        }
        let mut last = Vec::with_capacity(16);
        self.cipher.finish(&mut last);
        self.mac.update(&last);
        let tag = self.mac.value();
        self.mac.update(&tag);
        self.digest.update(&last);
        self.digest.update(&tag);
        out.extend_from_slice(&last);
        out.extend_from_slice(&tag);
        Ok(AttachmentPointer {
            key: self.key,
            digest: self.digest.finish(),
            size: self.size,
            incremental: Some(Incremental { chunk: self.chunk, values: self.mac.finish() }),
        })
    }

    fn encrypt(&mut self, plaintext: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        self.cipher.update(plaintext, out);
        let (_, written) = out.split_at(start);
        self.mac.update(written);
        self.digest.update(written);
    }

    fn absorb(&mut self, bytes: &[u8]) {
        self.mac.update(bytes);
        self.digest.update(bytes);
    }
}
