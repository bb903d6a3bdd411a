// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an account keeps over a store, without the words of any one protocol: sealed records for
//! which a root record vouches, the generation that an anchor knows, what a process remembers of
//! rows, and the steps that change them (docs/storage.md, "Steps" and "What vouches for what").

#![forbid(unsafe_code)]

pub mod anchor_value;
pub mod anchoring;
pub mod draft;
pub mod generation;
pub mod index;
pub mod memory;
pub mod names;
pub mod outcome;
pub mod protocol;
pub mod rekey;
pub mod resting;
pub mod vault;

pub use anchoring::Confirmation;
pub use outcome::{Environment, Learnt, Outcome};
pub use protocol::Protocol;
pub use vault::Vault;
