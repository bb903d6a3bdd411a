// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where in a file of known length each segment lies (docs/formats.md, "Sealed file").

use core::sync::atomic::{AtomicU64, Ordering};

use e2ee_primitives::gcm::TAG_LEN;
use e2ee_wire::Error;

use crate::header::HEADER_LEN;
use crate::segments::{Place, Segments};

/// Bytes that a run of segments takes in a file at most: enough that handing it out costs nothing.
pub const RUN_LEN: usize = 1 << 20;

/// Where something begins, and how many bytes it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// The first byte.
    pub start: u64,
    /// How many bytes.
    pub len: usize,
}

/// Segments that follow each other.
///
/// It cannot be copied: sealing consumes it, so that no segment is sealed twice.
#[derive(Debug)]
pub struct Run {
    first: u32,
    last: u32,
    plain: Span,
    sealed: Span,
}

impl Run {
    /// Where its plaintext lies in the plaintext.
    #[must_use]
    pub const fn plain(&self) -> Span {
        self.plain
    }

    /// Where it lies in the sealed file.
    #[must_use]
    pub const fn sealed(&self) -> Span {
        self.sealed
    }
}

/// The lengths of one file.
#[derive(Debug)]
pub(crate) struct Shape {
    /// Bytes before the header.
    before: u64,
    /// Bytes of a segment with its tag.
    size: u64,
    /// Number of the last segment.
    last: u32,
    plain_len: u64,
}

impl Shape {
    /// Of a file with a plaintext of this length.
    ///
    /// [`Error::InvalidArgument`] if it has more segments than a nonce can count.
    pub(crate) fn of_plaintext(segments: &Segments, plain_len: u64) -> Result<Self, Error> {
        let (before, size) = measures(segments);
        let full = size.saturating_sub(TAG);
        // As if the header were plaintext of the first segment.
        let counted = plain_len.checked_add(HEADER).ok_or(Error::InvalidArgument)?;
        let last = u32::try_from(counted.div_ceil(full).saturating_sub(1))
            .map_err(|_| Error::InvalidArgument)?;
        Ok(Self { before, size, last, plain_len })
    }

    /// Of a sealed file of this length; [`Error::Forged`] if none has it.
    pub(crate) fn of_sealed(segments: &Segments, sealed_len: u64) -> Result<Self, Error> {
        let (before, size) = measures(segments);
        let stream = sealed_len.checked_sub(before).ok_or(Error::Forged)?;
        let count = stream.div_ceil(size);
        let tags = count.checked_mul(TAG).ok_or(Error::Forged)?;
        let last = count.checked_sub(1).and_then(|last| u32::try_from(last).ok());
        let last = last.ok_or(Error::Forged)?;
        let in_last = stream.saturating_sub(u64::from(last).saturating_mul(size));
        let minimum = if last == 0 { HEADER.saturating_add(TAG) } else { TAG };
        if in_last < minimum {
            return Err(Error::Forged);
        }
        let plain_len = stream.saturating_sub(HEADER).saturating_sub(tags);
        Ok(Self { before, size, last, plain_len })
    }

    pub(crate) const fn plain_len(&self) -> u64 {
        self.plain_len
    }

    /// Bytes of the sealed file.
    pub(crate) fn sealed_len(&self) -> u64 {
        let tags = u64::from(self.last).saturating_add(1).saturating_mul(TAG);
        self.before.saturating_add(HEADER).saturating_add(self.plain_len).saturating_add(tags)
    }

    /// Which segment this is.
    pub(crate) const fn place(&self, index: u32) -> Place {
        if index == self.last { Place::Last(index) } else { Place::Inner(index) }
    }

    /// The segment that holds the byte of the plaintext at `position`; the last one behind its end.
    pub(crate) fn at(&self, position: u64) -> Run {
        let full = self.size.saturating_sub(TAG);
        let index = position.saturating_add(HEADER) / full.max(1);
        let index = u32::try_from(index).unwrap_or(u32::MAX).min(self.last);
        self.run(index, index)
    }

    /// The next run that was not taken yet.
    pub(crate) fn take(&self, taken: &AtomicU64) -> Option<Run> {
        let length = (RUN / self.size).max(1);
        let first = taken.fetch_add(length, Ordering::Relaxed);
        let first = u32::try_from(first).ok().filter(|first| *first <= self.last)?;
        let length = u32::try_from(length.saturating_sub(1)).unwrap_or(0);
        Some(self.run(first, first.saturating_add(length).min(self.last)))
    }

    /// `first` is not behind `last`, and that is one of the file's.
    fn run(&self, first: u32, last: u32) -> Run {
        Run {
            first,
            last,
            plain: span(self.plain_start(first), self.plain_end(last)),
            sealed: span(self.sealed_start(first), self.sealed_end(last)),
        }
    }

    /// The segments of a run, each with what it takes of plaintext and sealed bytes.
    pub(crate) fn segments_of(&self, run: &Run) -> impl Iterator<Item = (Place, usize, usize)> {
        (run.first..=run.last).map(|index| {
            let plain = span(self.plain_start(index), self.plain_end(index));
            let sealed = span(self.sealed_start(index), self.sealed_end(index));
            (self.place(index), plain.len, sealed.len)
        })
    }

    fn plain_start(&self, index: u32) -> u64 {
        let full = self.size.saturating_sub(TAG);
        u64::from(index).saturating_mul(full).saturating_sub(HEADER)
    }

    fn plain_end(&self, index: u32) -> u64 {
        if index == self.last { self.plain_len } else { self.plain_start(index.saturating_add(1)) }
    }

    fn sealed_start(&self, index: u32) -> u64 {
        let start = u64::from(index).saturating_mul(self.size).max(HEADER);
        self.before.saturating_add(start)
    }

    fn sealed_end(&self, index: u32) -> u64 {
        if index == self.last {
            self.sealed_len()
        } else {
            self.sealed_start(index.saturating_add(1))
        }
    }
}

fn measures(segments: &Segments) -> (u64, u64) {
    let before = u64::try_from(segments.before()).unwrap_or(u64::MAX);
    (before, u64::from(segments.size().get()))
}

fn span(start: u64, end: u64) -> Span {
    let len = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
    Span { start, len }
}

/// Lengths again, as numbers of bytes in a file.
const HEADER: u64 = 40;
const TAG: u64 = 16;
const RUN: u64 = 1 << 20;
const _: () = assert!(HEADER_LEN == 40 && TAG_LEN == 16 && RUN_LEN == 1 << 20);
