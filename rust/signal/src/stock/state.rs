// SPDX-License-Identifier: MIT OR Apache-2.0
//! The prekeys in numbers, without a key (signal.md §3; docs/storage.md, "Doctor").

use super::{PreKeyStock, pool::Pool, rotation::Rotation};

/// How many prekeys there are, and how old they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockState {
    /// The signed prekey.
    pub signed: RotatedKey,
    /// The Kyber prekey of last resort.
    pub last_resort: RotatedKey,
    /// One-time prekeys.
    pub one_time: PoolState,
    /// One-time Kyber prekeys.
    pub one_time_kyber: PoolState,
}

/// A key that is replaced from time to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotatedKey {
    /// For how many seconds it has been offered; none if that is not known.
    pub seconds: Option<u64>,
    /// How many replaced ones still open first messages.
    pub replaced: usize,
    /// How many sessions it has started, if they are counted.
    pub uses: usize,
}

/// Keys that serve one session each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolState {
    /// Those in bundles that this device gave away.
    pub reserved: usize,
    /// Those at a server.
    pub offered: usize,
}

impl PreKeyStock {
    /// What there is at this time, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn state(&self, now_ms: u64) -> StockState {
        StockState {
            signed: rotated(&self.signed, 0, now_ms),
            last_resort: rotated(&self.last_resort, self.last_resort.current.reuses.len(), now_ms),
            one_time: pool(&self.one_time),
            one_time_kyber: pool(&self.one_time_kyber),
        }
    }
}

fn rotated<K>(keys: &Rotation<K>, uses: usize, now_ms: u64) -> RotatedKey {
    // Of keys of an older format it is not known since when they are offered.
    let since_ms = if keys.since_ms == 0 { None } else { Some(keys.since_ms) };
    RotatedKey {
        seconds: since_ms.map(|since_ms| now_ms.saturating_sub(since_ms) / 1_000),
        replaced: keys.open(now_ms).count().saturating_sub(1),
        uses,
    }
}

fn pool<K>(keys: &Pool<K>) -> PoolState {
    PoolState { reserved: keys.reserved.len(), offered: keys.offered.len() }
}
