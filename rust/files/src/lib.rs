// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an application seals itself: files, in the AES-256-GCM-HKDF streaming format that Tink
//! implements (docs/formats.md, "Sealed file"), and single messages.
//!
//! ```text
//! header 40 | segment 0 | segment 1 | … | last segment
//! ```
//!
//! Each segment is sealed by itself, under a nonce that holds its number and whether it is the
//! last: so they can be worked on in any order and by several threads, and none can be exchanged,
//! left out or added. Everything here takes and gives pieces:
//!
//! - [`SealPlan`] and [`Contents`] know the length from the start, and hand out runs of segments;
//! - [`Sealer`] and [`Opener`] go through a stream whose end is not known.
#![forbid(unsafe_code)]

mod contents;
mod header;
mod key;
pub mod message;
mod plan;
mod segments;
mod shape;
mod stream;

pub use contents::Contents;
pub use header::HEADER_LEN;
pub use key::{FileKey, FileSecret, SegmentSize};
pub use plan::SealPlan;
pub use shape::{RUN_LEN, Run, Span};
pub use stream::{Opener, Sealer};

#[cfg(test)]
mod tests;
