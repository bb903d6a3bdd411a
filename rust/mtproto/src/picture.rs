// SPDX-License-Identifier: MIT OR Apache-2.0
//! The picture of a chat's key (mtproto_secret_chats.md §1).

use e2ee_primitives::sha;

use crate::key::ChatKey;

/// Bytes of the picture.
pub const PICTURE_LEN: usize = 36;

/// What both ends compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPicture([u8; PICTURE_LEN]);

impl KeyPicture {
    /// Of the first key, and the one in use when the chat reached layer 46.
    #[must_use]
    pub fn new(first: &ChatKey, at_layer_46: &ChatKey) -> Self {
        let mut bytes = [0; PICTURE_LEN];
        let old = sha::sha1(&[first.expose()]);
        let new = sha::sha256(&[at_layer_46.expose()]);
        let both = old.iter().take(16).chain(new.iter().take(20));
        for (to, from) in bytes.iter_mut().zip(both) {
            *to = *from;
        }
        Self(bytes)
    }

    /// Of bytes that were kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; PICTURE_LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; PICTURE_LEN] {
        &self.0
    }
}
