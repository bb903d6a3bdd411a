// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opening a sealed file of known length: all of it by several threads, or any part
//! (docs/formats.md, "Sealed file").
//!
//! Nothing is released of a segment before that is authenticated. That the length is right is known
//! as soon as the last segment has opened: it lies where only the length can put it.

use core::sync::atomic::AtomicU64;

use e2ee_primitives::SecretBytes;
use e2ee_wire::Error;

use crate::key::FileSecret;
use crate::segments::Segments;
use crate::shape::{Run, Shape};

/// A sealed file whose length is known.
#[derive(Debug)]
pub struct Contents {
    segments: Segments,
    shape: Shape,
    taken: AtomicU64,
}

impl Contents {
    /// A file of `sealed_len` bytes that begins with `preamble`.
    ///
    /// [`Error::Malformed`] if none under this secret begins so, [`Error::Forged`] if none has this
    /// length.
    pub fn new(
        secret: &FileSecret,
        associated_data: &[u8],
        preamble: &[u8],
        sealed_len: u64,
    ) -> Result<Self, Error> {
        let segments = secret.open(preamble, associated_data)?;
        let shape = Shape::of_sealed(&segments, sealed_len)?;
        Ok(Self { segments, shape, taken: AtomicU64::new(0) })
    }

    /// Bytes of the plaintext.
    #[must_use]
    pub const fn plain_len(&self) -> u64 {
        self.shape.plain_len()
    }

    /// The next run that was not taken yet.
    #[must_use]
    pub fn take(&self) -> Option<Run> {
        self.shape.take(&self.taken)
    }

    /// The segment with the byte of the plaintext at `position`; behind the end, the last one.
    #[must_use]
    pub fn at(&self, position: u64) -> Run {
        self.shape.at(position)
    }

    /// Opens a run into `out`, which is as long as its plaintext.
    ///
    /// [`Error::Forged`] if the bytes are not those of this run; `out` is then zero.
    pub fn open_into(&self, run: &Run, sealed: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let opened = self.open_segments(run, sealed, out);
        if opened.is_err() {
            out.fill(0);
        }
        opened
    }

    /// The plaintext of a run.
    pub fn open(&self, run: &Run, sealed: &[u8]) -> Result<SecretBytes, Error> {
        let mut out = SecretBytes::new(Vec::new());
        self.open_into(run, sealed, out.prepare(run.plain().len))?;
        Ok(out)
    }

    fn open_segments(&self, run: &Run, sealed: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let (mut sealed, mut out) = (sealed, out);
        for (place, plain_len, sealed_len) in self.shape.segments_of(run) {
            let (part, rest) = sealed.split_at_checked(sealed_len).ok_or(Error::Forged)?;
            let (target, room) =
                out.split_at_mut_checked(plain_len).ok_or(Error::InvalidArgument)?;
            self.segments.open(place, part, target)?;
            (sealed, out) = (rest, room);
        }
        if sealed.is_empty() && out.is_empty() { Ok(()) } else { Err(Error::Forged) }
    }
}
