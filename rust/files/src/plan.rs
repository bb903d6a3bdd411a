// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sealing a file of known length, run by run, by as many threads as one likes
//! (docs/formats.md, "Sealed file").

use core::sync::atomic::AtomicU64;

use e2ee_primitives::Random;
use e2ee_wire::Error;

use crate::key::FileSecret;
use crate::segments::Segments;
use crate::shape::{Run, Shape};

/// A file that is being sealed: it hands out each run once.
#[derive(Debug)]
pub struct SealPlan {
    segments: Segments,
    shape: Shape,
    taken: AtomicU64,
}

impl SealPlan {
    /// A plan for a plaintext of `plain_len` bytes, and what the file begins with.
    ///
    /// Draws 39 bytes, and 16 before them under a passphrase. [`Error::InvalidArgument`] if the
    /// file is too long: from 16 TiB with small segments, 4 PiB with large ones.
    pub fn new(
        secret: &FileSecret,
        associated_data: &[u8],
        plain_len: u64,
        random: &mut dyn Random,
    ) -> Result<(Self, Vec<u8>), Error> {
        let (segments, preamble) = secret.begin(associated_data, random)?;
        let shape = Shape::of_plaintext(&segments, plain_len)?;
        Ok((Self { segments, shape, taken: AtomicU64::new(0) }, preamble))
    }

    /// Bytes of the whole file.
    #[must_use]
    pub fn sealed_len(&self) -> u64 {
        self.shape.sealed_len()
    }

    /// The next run, which nobody else gets.
    #[must_use]
    pub fn take(&self) -> Option<Run> {
        self.shape.take(&self.taken)
    }

    /// Seals a run; both buffers are as long as it says.
    ///
    /// [`Error::InvalidArgument`] if they are not.
    #[expect(clippy::needless_pass_by_value, reason = "a run is sealed once")]
    pub fn seal(&self, run: Run, plaintext: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let (mut plaintext, mut out) = (plaintext, out);
        for (place, plain_len, sealed_len) in self.shape.segments_of(&run) {
            let (part, rest) =
                plaintext.split_at_checked(plain_len).ok_or(Error::InvalidArgument)?;
            let (target, room) =
                out.split_at_mut_checked(sealed_len).ok_or(Error::InvalidArgument)?;
            self.segments.seal(place, part, target)?;
            (plaintext, out) = (rest, room);
        }
        if plaintext.is_empty() && out.is_empty() { Ok(()) } else { Err(Error::InvalidArgument) }
    }
}
