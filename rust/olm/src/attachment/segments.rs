// SPDX-License-Identifier: MIT OR Apache-2.0
//! Verifying a whole file first, then opening any part of it (olm_megolm.md §7).
//!
//! The digest says whether the whole is right, but nothing about a part that is read again later.
//! So the first pass keeps a tag for every segment, under a key that lives no longer than the
//! reader: a file that changed meanwhile is found.

use e2ee_primitives::{
    Random, Secret, SecretBytes,
    hmac::{HmacKey, RunningHmac},
    sha::RunningSha256,
};
use e2ee_wire::Error;

use super::{Attachment, AttachmentKey, DIGEST_LEN};

/// Bytes of the file in one segment.
pub const SEGMENT_LEN: usize = 64 * 1_024;
const SEGMENT_LEN_64: u64 = 64 * 1_024;

/// The first pass over a file.
#[derive(Debug)]
pub struct Verifier {
    key: AttachmentKey,
    expected: [u8; DIGEST_LEN],
    digest: RunningSha256,
    segment_key: HmacKey,
    tags: Vec<[u8; 32]>,
    /// The tag of the segment under way, which has no byte yet or is not full.
    under_way: RunningHmac,
    size: u64,
}

impl Verifier {
    /// A reader at the first byte; draws the key of the segments' tags.
    pub fn new(attachment: Attachment, random: &mut dyn Random) -> Result<Self, Error> {
        let segment_key: Secret<32> = Secret::random(random)?;
        let segment_key = HmacKey::new(segment_key.expose());
        Ok(Self {
            under_way: begun(&segment_key, 0),
            key: attachment.key,
            expected: attachment.digest,
            digest: RunningSha256::new(),
            segment_key,
            tags: Vec::new(),
            size: 0,
        })
    }

    /// Takes the next bytes; [`Error::InvalidArgument`] if they are more than can be counted.
    pub fn update(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        let given = u64::try_from(bytes.len()).map_err(|_| Error::InvalidArgument)?;
        self.size.checked_add(given).ok_or(Error::InvalidArgument)?;
        self.digest.update(bytes);
        while !bytes.is_empty() {
            let room = usize::try_from(SEGMENT_LEN_64 - self.size % SEGMENT_LEN_64);
            let (part, rest) =
                bytes.split_at_checked(room.unwrap_or(SEGMENT_LEN)).unwrap_or((bytes, &[]));
            self.under_way.update(part);
            self.size = self.size.saturating_add(u64::try_from(part.len()).unwrap_or(0));
            if self.size.is_multiple_of(SEGMENT_LEN_64) {
                self.end_segment();
            }
            bytes = rest;
        }
        Ok(())
    }

    /// Ends the pass; [`Error::Forged`] unless the digest is that of the event.
    pub fn finish(mut self) -> Result<Segments, Error> {
        if !self.size.is_multiple_of(SEGMENT_LEN_64) {
            self.end_segment();
        }
        if self.digest.finish() != self.expected {
            return Err(Error::Forged);
        }
        let Self { key, segment_key, tags, size, .. } = self;
        Ok(Segments { key, segment_key, tags, size })
    }

    fn end_segment(&mut self) {
        self.tags.push(self.under_way.value());
        self.under_way = begun(&self.segment_key, self.tags.len());
    }
}

/// The second pass: any part of a file that was verified, each as it is read again.
#[derive(Debug)]
pub struct Segments {
    key: AttachmentKey,
    segment_key: HmacKey,
    tags: Vec<[u8; 32]>,
    size: u64,
}

impl Segments {
    /// Bytes of the file.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Where a segment lies: its first byte, and how many.
    ///
    /// [`Error::InvalidArgument`] if the file has no such segment.
    pub fn range(&self, index: u64) -> Result<(u64, usize), Error> {
        let start = index.checked_mul(SEGMENT_LEN_64).filter(|start| *start < self.size);
        let start = start.ok_or(Error::InvalidArgument)?;
        let left = usize::try_from(self.size.saturating_sub(start)).unwrap_or(SEGMENT_LEN);
        Ok((start, left.min(SEGMENT_LEN)))
    }

    /// The part of the file in segment `index`, from its ciphertext.
    ///
    /// [`Error::Forged`] if these are not the bytes that were verified.
    pub fn open(&self, index: u64, segment: &[u8]) -> Result<SecretBytes, Error> {
        let (start, _) = self.range(index)?;
        let place = usize::try_from(index).map_err(|_| Error::InvalidArgument)?;
        let tag = self.tags.get(place).ok_or(Error::InvalidArgument)?;
        let mut running = begun(&self.segment_key, place);
        running.update(segment);
        if !running.verify(tag) {
            return Err(Error::Forged);
        }
        self.key.stream().open_at(start, segment)
    }
}

/// The tag of a segment is bound to its place.
fn begun(key: &HmacKey, place: usize) -> RunningHmac {
    let mut running = key.begin();
    running.update(&place.to_be_bytes());
    running
}
