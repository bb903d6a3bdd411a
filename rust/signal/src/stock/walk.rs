// SPDX-License-Identifier: MIT OR Apache-2.0
//! A random walk over months: upload, use, rotate, delete, restart (signal.md §3 and §5.4).

use std::collections::{HashMap, HashSet};

use super::tests::{Counter, START, World, outer};
use super::*;

const STEPS: usize = 400;
const WALKS: u64 = 5;
const HOUR: u64 = 60 * 60 * 1_000;

/// What a server and a model know of the stock.
#[derive(Default)]
struct Known {
    numbers: HashSet<u32>,
    one_time: Vec<u32>,
    kyber: Vec<u32>,
    spent: HashSet<u32>,
    /// Since when a signed or last-resort number is no longer offered.
    replaced: HashMap<u32, u64>,
    current: (u32, u32),
    sessions: HashSet<(u32, u32)>,
}

impl Known {
    fn learn(&mut self, upload: &PreKeyUpload, now_ms: u64) {
        let (signed, last_resort) = (upload.signed.id, upload.last_resort.id);
        for (old, new) in [(self.current.0, signed), (self.current.1, last_resort)] {
            if old != new {
                assert!(self.numbers.insert(new), "a number came twice");
                self.replaced.insert(old, now_ms);
            }
        }
        self.current = (signed, last_resort);
        let kyber = upload.one_time_kyber.iter().map(|each| each.id);
        for id in upload.one_time.iter().map(|each| each.id).chain(kyber.clone()) {
            assert!(self.numbers.insert(id), "a number came twice");
        }
        self.one_time.extend(upload.one_time.iter().map(|each| each.id));
        self.kyber.extend(kyber);
        self.spent.extend(&upload.gone);
    }

    /// Whether a first message with these keys must open.
    fn opens(&self, (one_time, signed, kyber): (Option<u32>, u32, u32), now_ms: u64) -> bool {
        let expired = |id: &u32| self.replaced.get(id).is_some_and(|at| now_ms - at > KEPT_MS);
        let is_spent = |id: &u32| self.spent.contains(id) || expired(id);
        let again = self.sessions.contains(&(signed, kyber)) && !self.kyber.contains(&kyber);
        !one_time.iter().any(is_spent) && !is_spent(&signed) && !is_spent(&kyber) && !again
    }
}

/// One of the steps; `choose` draws a number below its argument.
fn step(
    world: &mut World,
    known: &mut Known,
    now_ms: u64,
    choose: &mut impl FnMut(usize) -> usize,
) {
    match choose(8) {
        // Few uploads are of one-time keys, which take long to make; many are of the others.
        0 | 1 => known_upload(world, known, now_ms, choose(120)),
        2 => world.stock = world.restarted(),
        3 => _ = world.stock.forget_expired(now_ms),
        _ => {
            let olds: Vec<u32> = known.replaced.keys().copied().collect();
            let pick = |from: &[u32], at: usize| from.get(at % from.len().max(1)).copied();
            let signed = if choose(4) == 0 { pick(&olds, choose(99)) } else { None };
            let kyber = match choose(3) {
                0 => pick(&olds, choose(99)),
                1 => pick(&known.kyber, choose(999)),
                _ => None,
            };
            let one_time = if choose(2) == 0 { pick(&known.one_time, choose(999)) } else { None };
            let ids =
                (one_time, signed.unwrap_or(known.current.0), kyber.unwrap_or(known.current.1));
            use_keys(world, known, ids, now_ms);
        }
    }
}

fn known_upload(world: &mut World, known: &mut Known, now_ms: u64, remaining: usize) {
    if let Some(upload) = world.refresh(remaining, now_ms) {
        known.learn(&upload, now_ms);
    }
}

/// A first message names these keys; nothing of a wrong kind may open.
fn use_keys(world: &mut World, known: &mut Known, ids: (Option<u32>, u32, u32), now_ms: u64) {
    let is_signed = world.stock.signed.open(now_ms).any(|key| key.id == ids.1);
    let is_last = world.stock.last_resort.open(now_ms).any(|last| last.key.id == ids.2);
    let found = world.finds(ids, now_ms);
    let fits = is_signed && (is_last || known.kyber.contains(&ids.2));
    assert_eq!(fits && known.opens(ids, now_ms), found.is_ok(), "{ids:?} {found:?}");
    if found.is_ok() {
        world.stock.consume(&UsedPreKeys::of(&outer(ids, &world.identity)));
        known.spent.extend(ids.0);
        if is_last {
            known.sessions.insert((ids.1, ids.2));
        } else {
            known.spent.insert(ids.2);
        }
    }
}

#[test]
fn no_number_comes_twice_and_no_used_key_opens_again_over_months() {
    for walk in 1..=WALKS {
        let mut numbers = Counter(walk << 32);
        let mut choose = |below: usize| {
            let mut drawn = [0; 8];
            numbers.fill(&mut drawn).unwrap();
            usize::try_from(u64::from_be_bytes(drawn) % u64::try_from(below).unwrap()).unwrap()
        };
        let mut world = World::new();
        let mut known = Known { current: (1, 2), ..Known::default() };
        known.numbers.extend([1, 2]);
        let mut now_ms = START;
        for _ in 0..STEPS {
            now_ms += u64::try_from(choose(12)).unwrap() * HOUR;
            step(&mut world, &mut known, now_ms, &mut choose);
        }
        assert!(known.replaced.len() > 20, "the walk is too short to replace keys");
    }
}
