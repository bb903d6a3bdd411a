// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many messages in one step (docs/storage.md, "Batches").
//!
//! The sessions of a peer are read once, moved by all messages of the batch that are theirs, in
//! their order, and written once. Peers are independent of each other, so the work in between is
//! done by [`Workers`], which the binding has.

mod receiving;
mod sending;

use std::collections::HashMap;

use crate::DeviceId;

pub use receiving::Placed;
pub use sending::Refused;

pub use e2ee_state::Workers;

/// The places of a batch, by peer: in the order in which each came first, and of each in order.
fn by_peer<'a>(
    peers: impl Iterator<Item = (&'a str, DeviceId)>,
) -> Vec<((&'a str, DeviceId), Vec<usize>)> {
    let mut found: Vec<((&str, DeviceId), Vec<usize>)> = Vec::new();
    let mut known = HashMap::new();
    for (place, peer) in peers.enumerate() {
        let at = *known.entry(peer).or_insert_with(|| {
            found.push((peer, Vec::new()));
            found.len().saturating_sub(1)
        });
        if let Some((_, places)) = found.get_mut(at) {
            places.push(place);
        }
    }
    found
}

/// Results by place, in the order of places.
fn in_order<T>(placed: Vec<(usize, T)>) -> Vec<T> {
    let mut placed = placed;
    placed.sort_unstable_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, result)| result).collect()
}
