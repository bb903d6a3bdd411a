// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an account keeps over a store, without the words of any one protocol: the root record, the
//! generation that an anchor knows, what a process remembers of rows, and the writes of a step
//! (docs/storage.md, "Steps" and "What vouches for what").

#![forbid(unsafe_code)]

pub mod anchor_value;
pub mod draft;
pub mod generation;
pub mod index;
pub mod memory;
