// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prekeys that this device offered under another program (signal.md §3): they open the first
//! messages that are still under way, as if they had been replaced or offered here.

use e2ee_primitives::{kyber1024, random::Random, x25519};
use e2ee_wire::Error;

use crate::prekeys::{KyberPreKey, SignedPreKey};

use super::{LastResort, MAX_ID, Numbered, PreKeyStock, rotation::Retired};

/// What another program had offered; at most [`super::MAX_OFFERED`] one-time keys of a kind, and at
/// most [`super::MAX_RETIRED`] of the others, newest first.
#[derive(Debug)]
pub struct FormerPreKeys {
    /// Elliptic-curve prekeys for one session each.
    pub one_time: Vec<Numbered<x25519::PrivateKey>>,
    /// Kyber prekeys for one session each.
    pub one_time_kyber: Vec<Numbered<kyber1024::DecapsulationKey>>,
    /// Signed prekeys.
    pub signed: Vec<SignedPreKey>,
    /// Kyber prekeys of last resort.
    pub last_resort: Vec<KyberPreKey>,
}

impl PreKeyStock {
    /// A fresh stock for a device that has offered `former` before this time.
    ///
    /// The new numbers begin behind the former ones, or, if those are near the end, in the widest
    /// gap between them.
    pub fn import(
        identity: &x25519::PrivateKey,
        former: FormerPreKeys,
        now_ms: u64,
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        let first_id = behind_widest_gap(former.ids());
        let mut stock = Self::generate_from(first_id, identity, now_ms, random)?;
        stock.one_time.offered.extend(former.one_time);
        stock.one_time_kyber.offered.extend(former.one_time_kyber);
        let retired_ms = now_ms;
        let signed = former.signed.into_iter().map(|key| Retired { key, retired_ms });
        stock.signed.retired.extend(signed);
        let unused = |key| LastResort { key, reuses: Vec::new() };
        let last_resort = former.last_resort.into_iter().map(unused);
        stock.last_resort.retired.extend(last_resort.map(|key| Retired { key, retired_ms }));
        Ok(stock)
    }
}

impl FormerPreKeys {
    fn ids(&self) -> Vec<u32> {
        let one_time = self.one_time.iter().map(|each| each.id);
        let kyber = self.one_time_kyber.iter().map(|each| each.id);
        let signed = self.signed.iter().map(|each| each.id);
        let last_resort = self.last_resort.iter().map(|each| each.id);
        one_time.chain(kyber).chain(signed).chain(last_resort).collect()
    }
}

/// The first number of the longest run up to [`MAX_ID`] that holds none of `ids`.
fn behind_widest_gap(mut ids: Vec<u32>) -> u32 {
    ids.retain(|id| *id <= MAX_ID);
    ids.sort_unstable();
    let ends = ids.iter().copied().chain([MAX_ID.saturating_add(1)]);
    let begins = [0].into_iter().chain(ids.iter().copied());
    let widest = begins.zip(ends).max_by_key(|(begin, end)| end.saturating_sub(*begin));
    widest.map_or(1, |(begin, _)| begin.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::{super::Ids, *};

    #[test]
    fn new_numbers_pass_over_those_that_are_held() {
        let mut ids = Ids { next: 5, held: vec![8, 6, 5] };

        assert_eq!([Ok(7), Ok(9), Ok(10)], [ids.take(), ids.take(), ids.take()]);
        ids = Ids { next: MAX_ID, held: vec![MAX_ID] };
        assert_eq!(Err(Error::Exhausted), ids.take());
    }

    #[test]
    fn new_numbers_begin_where_there_is_most_room() {
        for (ids, first) in [
            (vec![], 1),
            (vec![1, 2, 3], 4),
            (vec![22, 333, 1001], 1002),
            (vec![MAX_ID], 1),
            (vec![5, MAX_ID - 5, MAX_ID], 6),
            (vec![0x80_0001], 1),
            (vec![0x80_0000], 0x80_0001),
            (vec![u32::MAX, MAX_ID + 1, 7], 8),
        ] {
            assert_eq!(first, behind_widest_gap(ids.clone()), "{ids:?}");
        }
    }
}
