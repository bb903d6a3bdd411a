// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many messages in one step (docs/storage.md, "Batches").
//!
//! The sessions of a peer are read once, moved by all messages of the batch that are theirs, in
//! their order, and written once. Peers are independent of each other, so the work in between is
//! done by [`Workers`], which the binding has.

mod receiving;
mod sending;

pub use receiving::Placed;

pub use e2ee_account::batch::Refused;
pub use e2ee_state::Workers;
