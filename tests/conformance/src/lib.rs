// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loads vector files, counts the cases that ran and fails on a set that ran none.
//!
//! A file is looked for in the repository's own `tests/vectors`, then in the shared root: the
//! directory that `E2EE_VECTORS` names, else `../shared/vectors` beside the repository.

pub mod count;
pub mod fields;
pub mod libsignal;
pub mod load;
pub mod mlkem;
pub mod olm;
pub mod olm_pickle;
pub mod own;
pub mod random;
pub mod response;
pub mod sealed;
pub mod signal;
pub mod verdict;

pub use count::Count;
pub use fields::{array, hex, number, text, unhex};
pub use load::{json, text_file, vectors_dir, wycheproof};
pub use random::ScriptedRandom;
