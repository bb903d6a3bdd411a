// SPDX-License-Identifier: MIT OR Apache-2.0
//! The key of one file, and sealing and opening of one segment under it
//! (docs/formats.md, "Sealed file").

use e2ee_primitives::gcm::{GcmKey, NONCE_LEN, TAG_LEN};
use e2ee_primitives::{Secret, hkdf};
use e2ee_wire::Error;

use crate::header::{HEADER_LEN, Header, PREFIX_LEN};
use crate::key::{FileKey, SegmentSize};

/// Which segment, and whether the file ends with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// One that others follow: it is full.
    Inner(u32),
    /// The last one.
    Last(u32),
}

/// The segments of one file: any of them, in any order.
#[derive(Debug)]
pub(crate) struct Segments {
    key: GcmKey,
    prefix: [u8; PREFIX_LEN],
    size: SegmentSize,
    /// Bytes of the file before the header.
    before: usize,
}

impl Segments {
    /// The file's key is HKDF-SHA-256 of the main key, with the salt of the header and the
    /// associated data as info.
    pub(crate) fn new(
        key: &FileKey,
        header: &Header,
        associated_data: &[&[u8]],
        before: usize,
    ) -> Result<Self, Error> {
        let derived: Secret<32> = hkdf::derive(&header.salt, &[key.expose()], associated_data);
        let key_state = GcmKey::new(&derived)?;
        Ok(Self { key: key_state, prefix: header.prefix, size: key.segment_size(), before })
    }

    pub(crate) const fn size(&self) -> SegmentSize {
        self.size
    }

    pub(crate) const fn before(&self) -> usize {
        self.before
    }

    /// Bytes of plaintext in a full segment of this number.
    pub(crate) fn plain_len(&self, index: u32) -> usize {
        self.sealed_len(index).saturating_sub(TAG_LEN)
    }

    /// Bytes of a full segment: the first is shorter by the header.
    pub(crate) fn sealed_len(&self, index: u32) -> usize {
        let size = usize::try_from(self.size.get()).unwrap_or(usize::MAX);
        if index == 0 { size.saturating_sub(HEADER_LEN) } else { size }
    }

    /// Seals a segment; the caller sees to it that each is sealed once.
    pub(crate) fn seal(&self, place: Place, plaintext: &[u8], out: &mut [u8]) -> Result<(), Error> {
        if !self.fits(place, out.len()) {
            return Err(Error::InvalidArgument);
        }
        self.key.seal(&self.nonce(place), &[], plaintext, out)
    }

    /// Opens a segment; everything that is not as it was sealed is [`Error::Forged`].
    pub(crate) fn open(&self, place: Place, sealed: &[u8], out: &mut [u8]) -> Result<(), Error> {
        if !self.fits(place, sealed.len()) {
            return Err(Error::Forged);
        }
        self.key.open(&self.nonce(place), &[], sealed, out)
    }

    fn fits(&self, place: Place, sealed_len: usize) -> bool {
        match place {
            Place::Inner(index) => sealed_len == self.sealed_len(index),
            Place::Last(index) => sealed_len <= self.sealed_len(index),
        }
    }

    /// Prefix, number of the segment, and 1 for the last or 0.
    fn nonce(&self, place: Place) -> [u8; NONCE_LEN] {
        let (index, last) = match place {
            Place::Inner(index) => (index, 0),
            Place::Last(index) => (index, 1),
        };
        let mut nonce = [last; NONCE_LEN];
        let parts = self.prefix.iter().copied().chain(index.to_be_bytes());
        for (to, from) in nonce.iter_mut().zip(parts) {
            *to = from;
        }
        nonce
    }
}
