// SPDX-License-Identifier: MIT OR Apache-2.0
//! MD5 (RFC 1321), for one thing only: the fingerprint by which Telegram names the key of a file
//! (mtproto_secret_chats.md §7). It resists nothing.

use md5::{Digest, Md5};

/// MD5 of the concatenated parts.
#[must_use]
pub fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut state = Md5::new();
    for part in parts {
        state.update(part);
    }
    state.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn md5_of_the_example_in_rfc_1321() {
        let expected = [
            0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0, 0xd6, 0x96, 0x3f, 0x7d, 0x28, 0xe1,
            0x7f, 0x72,
        ];

        assert_eq!(expected, md5(&[b"a", b"bc"]));
    }
}
