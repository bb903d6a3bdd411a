// SPDX-License-Identifier: MIT OR Apache-2.0
//! The incremental MAC: the running HMAC of a blob at the end of each chunk and at its own end
//! (signal.md §13).

use e2ee_primitives::hmac::{HmacKey, RunningHmac};
use e2ee_wire::Error;

use super::TAG_LEN;

/// Bytes of one value.
pub(super) const VALUE_LEN: usize = 32;
const LEAST: u32 = 64 * 1_024;
const MOST: u32 = 2 * 1_024 * 1_024;
const CHUNKS: u32 = 256;

/// Bytes of a chunk, 1 to 2 MiB.
///
/// Unlike the reference client, which takes any number, no larger one is accepted: a chunk is held
/// in memory before it is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkSize(u32);

impl ChunkSize {
    /// A size that a pointer names; [`Error::Malformed`] for 0 or more than 2 MiB.
    pub const fn new(bytes: u32) -> Result<Self, Error> {
        if bytes == 0 || bytes > MOST { Err(Error::Malformed) } else { Ok(Self(bytes)) }
    }

    /// The size for a blob of `length` bytes: 64 KiB, then a 256th of it, at most 2 MiB.
    #[must_use]
    pub fn for_len(length: u64) -> Self {
        let share = u32::try_from(length.div_ceil(u64::from(CHUNKS))).unwrap_or(u32::MAX);
        Self(share.clamp(LEAST, MOST))
    }

    /// The bytes as a pointer names them.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The bytes as a length in memory.
    #[must_use]
    pub fn length(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Writes the values of a blob whose bytes come in pieces.
#[derive(Debug)]
pub struct IncrementalMac {
    mac: RunningHmac,
    chunk: ChunkSize,
    filled: usize,
    values: Vec<u8>,
}

impl IncrementalMac {
    /// A writer at the first byte.
    #[must_use]
    pub fn new(key: &HmacKey, chunk: ChunkSize) -> Self {
        Self { mac: key.begin(), chunk, filled: 0, values: Vec::new() }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.chunk.length().saturating_sub(self.filled).min(bytes.len());
            let (part, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.mac.update(part);
            self.filled = self.filled.saturating_add(part.len());
            if self.filled == self.chunk.length() {
                self.values.extend_from_slice(&self.mac.value());
                self.filled = 0;
            }
            bytes = rest;
        }
    }

    /// The running HMAC of all bytes so far; before the tag is written it is the tag.
    #[must_use]
    pub fn value(&self) -> [u8; VALUE_LEN] {
        self.mac.value()
    }

    /// All values. Behind a full chunk the last one stands twice, as the reference client writes it.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.values.extend_from_slice(&self.mac.value());
        self.values
    }
}

/// Checks a blob against its values, chunk by chunk, and at the end its tag.
#[derive(Debug)]
pub struct IncrementalCheck {
    mac: BlobMac,
    values: Vec<u8>,
    position: usize,
}

impl IncrementalCheck {
    /// A reader at the first byte; `values` are those of the pointer.
    #[must_use]
    pub fn new(key: &HmacKey, values: &[u8]) -> Self {
        Self { mac: BlobMac::new(key), values: values.to_vec(), position: 0 }
    }

    /// Verifies the next full chunk; [`Error::Forged`] changes nothing.
    pub fn chunk(&mut self, chunk: &[u8]) -> Result<(), Error> {
        let mac = self.mac.with(chunk);
        let (values, _) = self.values.as_chunks::<VALUE_LEN>();
        let expected = values.get(self.position).ok_or(Error::Forged)?;
        if !mac.verify(expected) {
            return Err(Error::Forged);
        }
        self.mac = mac;
        self.position = self.position.saturating_add(1);
        Ok(())
    }

    /// Verifies what is behind the last full chunk: exactly one value must be left, and it must be
    /// that of the whole.
    ///
    /// Returns the state with which the blob's own tag can be checked.
    pub fn finish(self, rest: &[u8]) -> Result<BlobMac, Error> {
        let mac = self.mac.with(rest);
        let (values, _) = self.values.as_chunks::<VALUE_LEN>();
        match values.get(self.position..) {
            Some([last]) if mac.verify(last) => Ok(mac),
            _ => Err(Error::Forged),
        }
    }
}

/// The running HMAC of a blob of which the last 32 bytes are the tag of those before.
#[derive(Debug)]
pub struct BlobMac {
    /// Over all but the tail.
    mac: RunningHmac,
    /// The last bytes so far, at most 32.
    tail: Vec<u8>,
}

impl BlobMac {
    pub(super) fn new(key: &HmacKey) -> Self {
        Self { mac: key.begin(), tail: Vec::with_capacity(TAG_LEN) }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        let over = self.tail.len().saturating_add(bytes.len()).saturating_sub(TAG_LEN);
        let from_tail = over.min(self.tail.len());
        let (leaving, _) = self.tail.split_at_checked(from_tail).unwrap_or((&[], &[]));
        self.mac.update(leaving);
        self.tail.drain(..from_tail);
        let from_bytes = over.saturating_sub(from_tail);
        let (passing, kept) = bytes.split_at_checked(from_bytes).unwrap_or((bytes, &[]));
        self.mac.update(passing);
        self.tail.extend_from_slice(kept);
    }

    fn with(&self, bytes: &[u8]) -> Self {
        let mut next = Self { mac: self.mac.duplicate(), tail: self.tail.clone() };
        next.update(bytes);
        next
    }

    /// Whether `value` is the HMAC of all bytes so far.
    fn verify(&self, value: &[u8; VALUE_LEN]) -> bool {
        let mut all = self.mac.duplicate();
        all.update(&self.tail);
        all.verify(value)
    }

    /// Whether the last 32 bytes are the HMAC of those before.
    #[must_use]
    pub fn tag_verifies(&self) -> bool {
        self.mac.verify(&self.tail)
    }
}
