// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys that evolve, without the words of any one protocol: agreement, chain, skipped seeds, the
//! ratchet of a group's sender, and the Double Ratchet, which a [`Dialect`] turns into Signal's,
//! Olm's or OMEMO's (docs/architecture.md, "One ratchet, many dialects").

#![forbid(unsafe_code)]

pub mod agreement;
pub mod budget;
pub mod chain;
pub mod contents;
pub mod dialect;
pub mod double;
pub mod group;
mod parts;
mod receive;
mod record;
pub mod rewind;
pub mod skipped;

pub use budget::Budget;
pub use chain::Chain;
pub use contents::{Contents, ReceivingContents};
pub use dialect::{Dialect, FrameHead, Header};
pub use double::{DoubleRatchet, Positions, Prepared};
pub use group::{GroupPlan, HashRatchet, Receiver};
pub use receive::{Frame, ReceivePlan};
pub use rewind::{JumpRatchet, Rewinder};
