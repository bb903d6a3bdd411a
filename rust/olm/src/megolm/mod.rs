// SPDX-License-Identifier: MIT OR Apache-2.0
//! Megolm: one message for a whole room (olm_megolm.md §2).
//!
//! Each sender has a ratchet and a signing key of its own. Whoever was given the ratchet, through
//! Olm, opens all that its sender writes from there on, as often as wanted, and can give it on from
//! any later index.
//!
//! Nothing heals in it, and it does not know a replay: [`Events`] does.

pub mod events;
pub mod inbound;
pub mod message;
pub mod outbound;
pub mod ratchet;
pub mod share;
pub mod standalone;

pub use events::Events;
pub use inbound::{InboundGroupSession, Provenance};
pub use message::GroupMessage;
pub use outbound::OutboundGroupSession;
pub use ratchet::Ratchet;
pub use share::SharedRatchet;
pub use standalone::{StandaloneInbound, StandaloneOutbound};

#[cfg(test)]
mod tests;
