// SPDX-License-Identifier: MIT OR Apache-2.0
//! A digest of a set of records that one change updates without reading the others
//! (docs/formats.md, "Root record").
//!
//! It is the exclusive-or of a keyed hash of each member. That is no hash that anyone may compute:
//! its strength lies in the key, which whoever writes to a store without it does not have, and in
//! the seal around the root record.

use e2ee_primitives::hmac::HmacKey;

/// The digest of a set of record names with their revisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetDigest([u8; 32]);

impl SetDigest {
    /// The digest as it was stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Adds the record to the set, or takes it out if it is in.
    pub fn toggle(&mut self, key: &HmacKey, name: &str, revision: u64) {
        let member = key.tag(&[&revision.to_be_bytes(), name.as_bytes()]);
        for (byte, other) in self.0.iter_mut().zip(member) {
            *byte ^= other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_and_a_second_toggle_undoes_the_first() {
        let key = HmacKey::new(&[1; 32]);
        let mut first = SetDigest::default();
        first.toggle(&key, "a", 1);
        first.toggle(&key, "b", 2);
        let mut second = SetDigest::default();
        second.toggle(&key, "b", 2);
        second.toggle(&key, "a", 1);
        assert_eq!(first, second);

        second.toggle(&key, "a", 1);
        second.toggle(&key, "a", 2);
        assert_ne!(first, second);
    }
}
