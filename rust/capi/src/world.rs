// SPDX-License-Identifier: MIT OR Apache-2.0
//! What only a binding has: the system's random source and its clock.

use std::time::{SystemTime, UNIX_EPOCH};

use e2ee_primitives::Random;
use e2ee_state::Workers;
use e2ee_wire::Error;

/// The system's random source.
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        getrandom::fill(out).map_err(|_| Error::RandomUnavailable)
    }
}

/// Milliseconds since the Unix epoch; a clock before it counts as the epoch.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The same in seconds.
pub fn now() -> u64 {
    now_ms() / 1_000
}

/// The thread that calls does all the work: the library starts none.
pub struct Alone;

impl Workers for Alone {
    fn map<T: Send, R: Send>(
        &self,
        items: Vec<T>,
        _weight: impl Fn(&T) -> usize,
        work: impl Fn(T, &mut dyn Random) -> R + Sync,
    ) -> Vec<R> {
        items.into_iter().map(|item| work(item, &mut OsRandom)).collect()
    }
}
