// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes only: bounded readers and writers for what peers send and what stores keep.
//!
//! Nothing here knows a secret or depends on another crate. Every reader takes bytes that a
//! stranger chose: it borrows, never allocates for them, and refuses by [`Error`].

#![forbid(unsafe_code)]

pub mod error;
pub mod protobuf;
pub mod reader;
pub mod record;
pub mod tl;
pub mod varint;

pub use error::Error;
pub use reader::Reader;
