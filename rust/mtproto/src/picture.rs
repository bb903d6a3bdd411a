// SPDX-License-Identifier: MIT OR Apache-2.0
//! The picture of a key that two people compare (mtproto_secret_chats.md §1).

use e2ee_primitives::sha;
use e2ee_wire::Error;

use crate::key::ChatKey;

/// Bytes of a picture.
pub const PICTURE_LEN: usize = 36;
/// Cells of a picture: 12 rows of 12.
pub const CELLS: usize = 144;

/// What both clients of a chat show, for its people to compare by another way; it never changes.
///
/// It is made of hashes of the key, so it gives nothing of the key away; whoever sees it learns
/// which chat it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyPicture([u8; PICTURE_LEN]);

impl KeyPicture {
    /// The picture of the first key of a chat and of the one that it had when it reached layer 46.
    ///
    /// §1: 16 bytes of SHA-1 of the one, 20 of SHA-256 of the other. For a chat that began at layer
    /// 46 or higher, as all do that are begun here, both are of the first.
    #[must_use]
    pub fn new(first: &ChatKey, at_layer_46: &ChatKey) -> Self {
        let (old, new) = (sha::sha1(&[first.expose()]), sha::sha256(&[at_layer_46.expose()]));
        let mut bytes = [0; PICTURE_LEN];
        for (to, from) in bytes.iter_mut().zip(old.iter().take(16).chain(&new)) {
            *to = *from;
        }
        Self(bytes)
    }

    /// The picture that was stored or shown as these bytes; [`Error::InvalidArgument`] unless they
    /// are 36.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        bytes.try_into().map(Self).map_err(|_| Error::InvalidArgument)
    }

    /// The 36 bytes, of which clients show the first 32 as pairs of digits.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; PICTURE_LEN] {
        &self.0
    }

    /// The colours of the cells, 0 to 3, left to right and top to bottom.
    ///
    /// §1: two bits each, the lowest of a byte first. Read in another client, not compared with its
    /// screen.
    #[must_use]
    pub fn cells(&self) -> [u8; CELLS] {
        let mut cells = [0; CELLS];
        let colours = self.0.iter().flat_map(|byte| [0, 2, 4, 6].map(|place| byte >> place & 3));
        for (cell, colour) in cells.iter_mut().zip(colours) {
            *cell = colour;
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use e2ee_primitives::Secret;

    use super::*;

    fn key(byte: u8) -> ChatKey {
        ChatKey::new(Secret::new([byte; 256]))
    }

    #[test]
    fn the_two_keys_have_their_own_parts() {
        let same = KeyPicture::new(&key(1), &key(1));
        let later = KeyPicture::new(&key(1), &key(2));
        let earlier = KeyPicture::new(&key(2), &key(1));

        assert_eq!(same.0[..16], later.0[..16]);
        assert_eq!(same.0[16..], earlier.0[16..]);
        assert!(same.0[16..] != later.0[16..] && same.0[..16] != earlier.0[..16]);
        assert_eq!(sha::sha1(&[&[1; 256]])[..16], same.0[..16]);
        assert_eq!(sha::sha256(&[&[1; 256]])[..20], same.0[16..]);
    }

    #[test]
    fn cells_are_read_from_the_lowest_bits_on() {
        let mut bytes = [0; PICTURE_LEN];
        (bytes[0], bytes[3], bytes[35]) = (0b11_10_01_00, 0b01, 0b11_00_00_00);

        let cells = KeyPicture(bytes).cells();

        assert_eq!([0, 1, 2, 3, 0], cells[..5]);
        assert_eq!((1, 3), (cells[12], cells[143]));
        assert_eq!(0, cells[13..143].iter().sum::<u8>());
    }

    #[test]
    fn bytes_of_another_length_are_no_picture() {
        for length in [0, 35, 37] {
            assert_eq!(Err(Error::InvalidArgument), KeyPicture::from_bytes(&vec![0; length]));
        }
        let picture = KeyPicture::new(&key(1), &key(2));
        assert_eq!(Ok(&picture), KeyPicture::from_bytes(picture.as_bytes()).as_ref());
    }
}
