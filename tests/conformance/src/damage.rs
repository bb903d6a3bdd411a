// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged recordings for parsers of bytes that others choose, the same on each run.

use e2ee_primitives::Random;

use crate::signal::Filler;

/// Gives damaged seeds to a parser, which says whether it has accepted one.
///
/// # Panics
///
/// If there is no seed.
pub fn throw(name: &str, seeds: &[Vec<u8>], mut parse: impl FnMut(&[u8]) -> bool) {
    assert!(!seeds.is_empty(), "{name}: no seed");
    let mut random = Filler::numbered(1);
    let mut accepted = 0;
    for round in 0..ROUNDS {
        accepted += usize::from(parse(&damaged(&seeds[round % seeds.len()], &mut random)));
    }
    println!("parsers/{name}: {ROUNDS} damaged inputs, {accepted} parsed");
}

const ROUNDS: usize = 20_000;

fn number(random: &mut Filler, below: usize) -> usize {
    let mut bytes = [0; 8];
    random.fill(&mut bytes).unwrap();
    usize::try_from(u64::from_be_bytes(bytes) % u64::try_from(below.max(1)).unwrap()).unwrap()
}

/// One to four changes: a flipped bit, a byte replaced, inserted or removed, a cut, a repeated part.
fn damaged(seed: &[u8], random: &mut Filler) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=number(random, 4) {
        let position = number(random, bytes.len().max(1)).min(bytes.len().saturating_sub(1));
        if bytes.is_empty() {
            break;
        }
        match number(random, 6) {
            0 => bytes[position] ^= 1 << number(random, 8),
            1 => bytes[position] = [0, 1, 0x7f, 0x80, 0xff][number(random, 5)],
            2 => bytes.insert(position, u8::try_from(number(random, 256)).unwrap()),
            3 => _ = bytes.remove(position),
            4 => bytes.truncate(position),
            _ => {
                let end = (position + 1 + number(random, 40)).min(bytes.len());
                let part = bytes[position..end].to_vec();
                bytes.splice(position..position, part);
            }
        }
    }
    bytes
}
