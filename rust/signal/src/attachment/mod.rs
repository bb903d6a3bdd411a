// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of any size beside the messages (signal.md §13).
//!
//! ```text
//! blob:  IV 16 | AES-256-CBC of the file and zeros, PKCS#7 | HMAC-SHA-256 of all before 32
//! ```
//!
//! The pointer, which holds the key and the digest of the blob, travels inside an encrypted
//! message. Everything here takes and gives pieces, so that a file of 4 GiB needs the memory of a
//! few chunks; and nothing of a blob is decrypted before it is authenticated:
//!
//! - [`Verifier`] goes through the whole blob once; then [`Segments`] opens any part of it, and
//!   each part is checked again, so that the blob may not change in between;
//! - [`StreamOpener`] opens chunk by chunk what was written with an incremental MAC.

mod encrypt;
mod incremental;
mod key;
mod padding;
mod pointer;
mod segments;
mod stream;

pub use encrypt::Encryptor;
pub use incremental::{ChunkSize, IncrementalCheck, IncrementalMac};
pub use key::{AttachmentKey, KEY_LEN};
pub use padding::padded_len;
pub use pointer::{AttachmentPointer, Incremental};
pub use segments::{SEGMENT_LEN, Segments, Verifier};
pub use stream::StreamOpener;

/// Bytes of the IV that begins a blob.
pub const IV_LEN: usize = 16;
/// Bytes of the tag that ends a blob.
pub const TAG_LEN: usize = 32;

/// Bytes of the blob of a file of `size` bytes: IV, padded file with PKCS#7, tag.
#[must_use]
pub fn blob_len(size: u32) -> u64 {
    const BLOCK: u64 = 16;
    let padded = padded_len(size);
    let ciphertext = (padded - padded % BLOCK).saturating_add(BLOCK);
    ciphertext.saturating_add(BLOCK).saturating_add(2 * BLOCK)
}

#[cfg(test)]
mod tests;
