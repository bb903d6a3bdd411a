// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sealing and opening a stream whose end is not known (docs/formats.md, "Sealed file").
//!
//! A full segment waits until more bytes come: only then it is known not to be the last. Whatever
//! fails ends the stream, since it has moved on meanwhile: both take and return themselves.

use e2ee_primitives::gcm::TAG_LEN;
use e2ee_primitives::{Random, SecretBytes};
use e2ee_wire::Error;

use crate::key::FileSecret;
use crate::segments::{Place, Segments};

/// Seals a stream.
#[derive(Debug)]
pub struct Sealer {
    segments: Segments,
    waiting: Waiting,
}

impl Sealer {
    /// A sealer at the first byte, and what the file begins with.
    ///
    /// Draws 39 bytes, and 16 before them under a passphrase.
    pub fn begin(
        secret: &FileSecret,
        associated_data: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Self, Vec<u8>), Error> {
        let (segments, preamble) = secret.begin(associated_data, random)?;
        Ok((Self { segments, waiting: Waiting::new() }, preamble))
    }

    /// Takes the next bytes, and appends the segments that are ready.
    ///
    /// [`Error::InvalidArgument`] if there are more segments than a nonce can count.
    pub fn update(mut self, plaintext: &[u8], out: &mut Vec<u8>) -> Result<Self, Error> {
        let Self { segments, waiting } = &mut self;
        waiting.feed(
            plaintext,
            |index| segments.plain_len(index),
            |index, part| seal(segments, Place::Inner(index), part, out),
        )?;
        Ok(self)
    }

    /// Ends the stream, and appends its last segment.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), Error> {
        let (index, part) = self.waiting.rest();
        seal(&self.segments, Place::Last(index), part, out)
    }
}

fn seal(segments: &Segments, place: Place, part: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let start = out.len();
    out.resize(start.saturating_add(part.len()).saturating_add(TAG_LEN), 0);
    let (_, target) = out.split_at_mut(start);
    segments.seal(place, part, target)
}

/// Opens a stream.
#[derive(Debug)]
pub struct Opener {
    segments: Segments,
    waiting: Waiting,
}

impl Opener {
    /// An opener at the first segment of a file that begins with `preamble`.
    ///
    /// [`Error::Malformed`] if none under this secret begins so.
    pub fn begin(
        secret: &FileSecret,
        associated_data: &[u8],
        preamble: &[u8],
    ) -> Result<Self, Error> {
        Ok(Self { segments: secret.open(preamble, associated_data)?, waiting: Waiting::new() })
    }

    /// Bytes to have room for in [`Opener::update`].
    #[must_use]
    pub const fn room(&self, sealed: &[u8]) -> usize {
        self.waiting.filled.saturating_add(sealed.len())
    }

    /// Takes the next bytes, and writes into `out` what was verified; returns how much.
    ///
    /// [`Error::Forged`] if a segment is not the next of this stream.
    pub fn update(mut self, sealed: &[u8], out: &mut [u8]) -> Result<(Self, usize), Error> {
        let Self { segments, waiting } = &mut self;
        let mut written = 0;
        waiting.feed(
            sealed,
            |index| segments.sealed_len(index),
            |index, part| {
                let end = written + part.len().saturating_sub(TAG_LEN);
                let target = out.get_mut(written..end).ok_or(Error::InvalidArgument)?;
                written = end;
                segments.open(Place::Inner(index), part, target)
            },
        )?;
        Ok((self, written))
    }

    /// The rest, once it is known that the stream is complete; else [`Error::Forged`].
    pub fn finish(self) -> Result<SecretBytes, Error> {
        let mut out = SecretBytes::new(Vec::new());
        let (index, part) = self.waiting.rest();
        let target = out.prepare(part.len().saturating_sub(TAG_LEN));
        self.segments.open(Place::Last(index), part, target)?;
        Ok(out)
    }
}

/// A segment that is not complete, or may be the last.
#[derive(Debug)]
struct Waiting {
    buffer: SecretBytes,
    filled: usize,
    index: u32,
}

impl Waiting {
    const fn new() -> Self {
        Self { buffer: SecretBytes::new(Vec::new()), filled: 0, index: 0 }
    }

    /// Hands on each segment behind which there are more bytes.
    fn feed(
        &mut self,
        mut input: &[u8],
        length: impl Fn(u32) -> usize,
        mut ready: impl FnMut(u32, &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        while !input.is_empty() {
            let length = length(self.index);
            if self.filled == 0
                && let Some((part, rest)) = input.split_at_checked(length)
                && !rest.is_empty()
            {
                ready(self.index, part)?;
                input = rest;
                self.index = self.index.checked_add(1).ok_or(Error::InvalidArgument)?;
                continue;
            }
            if self.filled == length {
                ready(self.index, self.rest().1)?;
                self.filled = 0;
                self.index = self.index.checked_add(1).ok_or(Error::InvalidArgument)?;
                continue;
            }
            let missing = length.saturating_sub(self.filled).min(input.len());
            let (part, rest) = input.split_at_checked(missing).unwrap_or((input, &[]));
            let end = self.filled.saturating_add(part.len());
            if let Some(room) = self.buffer.prepare(length).get_mut(self.filled..end) {
                room.copy_from_slice(part);
            }
            (self.filled, input) = (end, rest);
        }
        Ok(())
    }

    /// Number and bytes of the segment under way.
    fn rest(&self) -> (u32, &[u8]) {
        let filled = self.buffer.expose().get(..self.filled).unwrap_or(&[]);
        (self.index, filled)
    }
}
