// SPDX-License-Identifier: MIT OR Apache-2.0
//! The only threads of this project: they share the pieces of a batch (docs/storage.md, "Batches"),
//! or the segments of a file.

use std::{
    num::NonZero,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use e2ee_primitives::random::Random;
use e2ee_state::Workers;

use crate::transaction::OsRandom;

/// Messages that a thread must have to be worth its start: with two threads, 128 messages take about
/// as long as with one, and more take less (`benches/batches.py`).
const WORTH_A_THREAD: usize = 64;

/// As many threads as the process may use, for as long as a batch takes.
///
/// They must be called while the calling thread is detached from the interpreter.
pub struct Threads;

impl Workers for Threads {
    fn map<T: Send, R: Send>(
        &self,
        items: Vec<T>,
        weight: impl Fn(&T) -> usize,
        work: impl Fn(T, &mut dyn Random) -> R + Sync,
    ) -> Vec<R> {
        let threads = worth(items.len(), items.iter().map(weight).sum());
        if threads < 2 {
            return items.into_iter().map(|item| work(item, &mut OsRandom)).collect();
        }
        shared(items, threads, &work)
    }
}

/// How many threads are worth their start for so many pieces with so many messages.
fn worth(pieces: usize, messages: usize) -> usize {
    let worth = pieces.min(messages / WORTH_A_THREAD);
    if worth < 2 { 1 } else { worth.min(cores()) }
}

/// How many threads can run at once.
///
/// The answer takes the system longer than ten messages take us, so it is asked a few times in a
/// second at most, or whenever another thread is about to ask.
fn cores() -> usize {
    static ASKED: Mutex<Option<(Instant, usize)>> = Mutex::new(None);
    let ask = || thread::available_parallelism().map_or(1, NonZero::get);
    let Ok(mut asked) = ASKED.try_lock() else { return ask() };
    match *asked {
        Some((when, cores)) if when.elapsed() < ASKED_AGAIN => cores,
        _ => asked.insert((Instant::now(), ask())).1,
    }
}

/// How long an answer about the cores counts.
const ASKED_AGAIN: Duration = Duration::from_millis(200);

/// Lets threads take pieces of `items`, of `size` each, until none is left. Each gathers what it does
/// in one value, with the place of each piece's first item.
pub fn gather<T: Sync, G: Send>(
    items: &[T],
    size: usize,
    start: impl Fn() -> G + Sync,
    work: impl Fn(&mut G, usize, &[T], &mut dyn Random) + Sync,
) -> Vec<G> {
    let next = AtomicUsize::new(0);
    let one = |_| {
        let mut gathered = start();
        loop {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            let Some(taken) = items.chunks(size).nth(piece) else { return gathered };
            work(&mut gathered, piece.saturating_mul(size), taken, &mut OsRandom);
        }
    };
    at_once(worth(items.len().div_ceil(size), items.len()), one)
}

/// Lets each thread take the next item until none is left.
fn shared<T: Send, R: Send>(
    items: Vec<T>,
    threads: usize,
    work: &(impl Fn(T, &mut dyn Random) -> R + Sync),
) -> Vec<R> {
    let waiting = Mutex::new(items.into_iter().enumerate());
    let take = || waiting.lock().ok().and_then(|mut waiting| waiting.next());
    let one = |_| {
        let mut done = Vec::new();
        while let Some((place, item)) = take() {
            done.push((place, work(item, &mut OsRandom)));
        }
        done
    };
    let mut done: Vec<_> = at_once(threads, one).into_iter().flatten().collect();
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Lets threads do the same work at once: `wanted`, or as many as the process may use, but no more
/// than are `useful`.
pub fn together<R: Send>(
    wanted: Option<usize>,
    useful: usize,
    work: impl Fn(usize) -> R + Sync,
) -> Vec<R> {
    at_once(wanted.unwrap_or_else(cores).min(useful), work)
}

/// So many threads, at least one; the calling one has the number 0.
fn at_once<R: Send>(threads: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let work = &work;
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|number| scope.spawn(move || work(number))).collect();
        let mut done = vec![work(0)];
        for other in others {
            match other.join() {
                Ok(result) => done.push(result),
                // An account is not used again: its lock is poisoned by this.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    })
}
