// SPDX-License-Identifier: MIT OR Apache-2.0
//! Verifying a whole blob first, then opening any part of it (signal.md §13).
//!
//! The tag and the digest say whether the whole is right, but nothing about a part that is read
//! again later. So the first pass keeps a tag of its own for every segment, under a key that lives
//! no longer than the reader: a blob that changed meanwhile is found.

use e2ee_primitives::{
    Random, Secret, SecretBytes, cbc_stream::CbcDecryptor, hmac::HmacKey, sha::RunningSha256,
};
use e2ee_wire::Error;

use super::{AttachmentPointer, IV_LEN, TAG_LEN, blob_len, incremental::BlobMac};

/// Bytes of the file in one segment.
pub const SEGMENT_LEN: usize = 64 * 1_024;
/// A segment of the blob begins with the block before it, which is its IV.
const SPAN: usize = SEGMENT_LEN + IV_LEN;
/// The last two blocks and the tag, which say how long the padding is.
const END: usize = 2 * 16 + TAG_LEN;

/// The first pass over a blob.
#[derive(Debug)]
pub struct Verifier {
    pointer: AttachmentPointer,
    mac: BlobMac,
    digest: RunningSha256,
    segment_key: HmacKey,
    tags: Vec<[u8; 32]>,
    /// The segment under way.
    segment: Vec<u8>,
    /// The last bytes so far, at most `END`.
    end: Vec<u8>,
    length: u64,
}

impl Verifier {
    /// A reader at the first byte; draws the key of the segments' tags.
    pub fn new(pointer: AttachmentPointer, random: &mut dyn Random) -> Result<Self, Error> {
        let segment_key: Secret<32> = Secret::random(random)?;
        Ok(Self {
            mac: BlobMac::new(&pointer.key.mac()),
            digest: RunningSha256::new(),
            segment_key: HmacKey::new(segment_key.expose()),
            tags: Vec::new(),
            segment: Vec::with_capacity(SPAN),
            end: Vec::with_capacity(END),
            length: 0,
            pointer,
        })
    }

    /// Takes the next bytes; [`Error::Forged`] if no file of 4 GiB makes so many.
    pub fn update(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        let given = u64::try_from(bytes.len()).map_err(|_| Error::Forged)?;
        let length = self.length.saturating_add(given);
        if length > blob_len(u32::MAX) {
            return Err(Error::Forged);
        }
        self.length = length;
        self.mac.update(bytes);
        self.digest.update(bytes);
        self.keep_end(bytes);
        while !bytes.is_empty() {
            let room = SPAN.saturating_sub(self.segment.len()).min(bytes.len());
            let (part, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.segment.extend_from_slice(part);
            if self.segment.len() == SPAN {
                self.end_segment();
                self.segment.drain(..SEGMENT_LEN);
            }
            bytes = rest;
        }
        Ok(())
    }

    /// Ends the pass: tag, digest, padding and size must be right, else [`Error::Forged`].
    pub fn finish(mut self) -> Result<Segments, Error> {
        self.end_segment();
        let cipher_key = self.pointer.key.cipher();
        if !self.mac.tag_verifies() || self.digest.finish() != self.pointer.digest {
            return Err(Error::Forged);
        }
        let (blocks, _) = self.end.split_last_chunk::<TAG_LEN>().ok_or(Error::Forged)?;
        let (iv, last) = blocks.split_first_chunk::<IV_LEN>().ok_or(Error::Forged)?;
        let mut opened = SecretBytes::new(Vec::new());
        CbcDecryptor::new(&cipher_key, iv).finish_into(last, &mut opened)?;
        // Without IV, last block and tag, but with what the last block holds beside its padding.
        let before_last = self.length.saturating_sub(END_64);
        let plain_len = before_last.saturating_add(u64::try_from(opened.len()).unwrap_or(0));
        if !self.length.is_multiple_of(16) || plain_len < u64::from(self.pointer.size) {
            return Err(Error::Forged);
        }
        Ok(Segments {
            cipher_key,
            segment_key: self.segment_key,
            tags: self.tags,
            size: self.pointer.size,
            length: self.length,
        })
    }

    fn keep_end(&mut self, bytes: &[u8]) {
        let (_, last) = bytes.split_at_checked(bytes.len().saturating_sub(END)).unwrap_or_default();
        self.end.extend_from_slice(last);
        self.end.drain(..self.end.len().saturating_sub(END));
    }

    fn end_segment(&mut self) {
        let place = self.tags.len().to_be_bytes();
        self.tags.push(self.segment_key.tag(&[&place, &self.segment]));
    }
}

/// The second pass: any part of a blob that was verified, each as it is read again.
#[derive(Debug)]
pub struct Segments {
    cipher_key: Secret<32>,
    segment_key: HmacKey,
    tags: Vec<[u8; 32]>,
    size: u32,
    length: u64,
}

impl Segments {
    /// Bytes of the file.
    #[must_use]
    pub const fn size(&self) -> u32 {
        self.size
    }

    /// Where in the blob a segment lies: its first byte, and how many.
    ///
    /// [`Error::InvalidArgument`] if the file has no such segment.
    pub fn range(&self, index: u32) -> Result<(u64, usize), Error> {
        let start = u64::from(index).saturating_mul(SEGMENT_LEN_64);
        if start >= u64::from(self.size) {
            return Err(Error::InvalidArgument);
        }
        let rest = usize::try_from(self.length.saturating_sub(start)).unwrap_or(SPAN);
        Ok((start, rest.min(SPAN)))
    }

    /// The part of the file in segment `index`, from its bytes in the blob.
    ///
    /// [`Error::Forged`] if these are not the bytes that were verified.
    pub fn open(&self, index: u32, segment: &[u8]) -> Result<SecretBytes, Error> {
        let (start, _) = self.range(index)?;
        let place = usize::try_from(index).map_err(|_| Error::InvalidArgument)?;
        let tag = self.tags.get(place).ok_or(Error::InvalidArgument)?;
        if !self.segment_key.verify(&[&place.to_be_bytes(), segment], tag) {
            return Err(Error::Forged);
        }
        let rest = u64::from(self.size).saturating_sub(start);
        let wanted = usize::try_from(rest).unwrap_or(SEGMENT_LEN).min(SEGMENT_LEN);
        let (iv, blocks) = segment.split_first_chunk::<IV_LEN>().ok_or(Error::Forged)?;
        let blocks = blocks.get(..wanted.next_multiple_of(16)).ok_or(Error::Forged)?;
        let mut out = SecretBytes::new(Vec::new());
        CbcDecryptor::new(&self.cipher_key, iv).decrypt_into(blocks, &mut out)?;
        out.truncate(wanted);
        Ok(out)
    }
}

/// Likewise, for lengths of blobs.
const END_64: u64 = 64;
const SEGMENT_LEN_64: u64 = 64 * 1_024;
