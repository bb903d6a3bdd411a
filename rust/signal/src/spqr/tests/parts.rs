// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stored form of accounts: chunks stand apart, and the state is written once.

use std::collections::BTreeMap;

use super::*;
use erasure::Chunk;

/// Head, state and skipped.
fn write(ratchet: &Spqr) -> [Vec<u8>; 3] {
    let mut parts = [vec![], vec![], vec![]];
    ratchet.encode_chains(&mut parts[0]);
    ratchet.encode_state(&mut parts[1]);
    ratchet.encode_skipped(&mut parts[2]);
    parts
}

/// Reads them; the chunks are left in the store.
fn read(parts: &[Vec<u8>; 3]) -> Result<Spqr, Error> {
    let mut readers = parts.each_ref().map(|part| RecordReader::new(part));
    let [head, state, skipped] = &mut readers;
    let ratchet = Spqr::decode_parts(head, state, Some(skipped))?;
    readers.into_iter().try_for_each(RecordReader::finish).map(|()| ratchet)
}

fn chunks(ratchet: &Spqr) -> Vec<Chunk> {
    ratchet.incomplete().map_or(vec![], |object| object.chunks.to_vec())
}

/// A ratchet as a store gives it back, chunks and all.
fn restored(ratchet: &Spqr) -> Spqr {
    let mut read = read(&write(ratchet)).unwrap();
    if read.incomplete().is_some() {
        read.fill(&chunks(ratchet)).unwrap();
    }
    read
}

/// Each state that a lossy conversation passes through, with as many chunks as it had once.
fn every_state() -> BTreeMap<&'static str, Spqr> {
    let (mut a, mut b) = pair();
    let mut stream = Stream(9);
    let mut states: BTreeMap<&str, Spqr> = BTreeMap::new();
    for _ in 0..3_000 {
        let a_sends = stream.percent(50);
        let (from, to) = if a_sends { (&mut a, &mut b) } else { (&mut b, &mut a) };
        let (message, _) = from.send(&mut stream).unwrap();
        if stream.percent(60) {
            receive(to, &message);
        }
        for side in [&a, &b] {
            let larger = |kept: &Spqr| chunks(kept).len() >= chunks(side).len();
            if !states.get(side.state_name()).is_some_and(larger) {
                states.insert(side.state_name(), restored(side));
            }
        }
    }
    states
}

#[test]
fn every_state_reads_back_with_its_chunks() {
    let states = every_state();

    assert_eq!(11, states.len());
    for (name, ratchet) in &states {
        let again = restored(ratchet);
        assert_eq!(*name, again.state_name());
        assert_eq!(Generations::default(), again.generations());
        assert_eq!(encode(ratchet), encode(&again), "{name}");
    }
}

#[test]
fn the_head_is_small_in_every_state() {
    let (mut a, mut b) = pair();
    let mut stream = Stream(3);
    let mut largest = 0;
    for _ in 0..3_000 {
        if stream.percent(50) {
            exchange(&mut a, &mut b, &mut stream);
        } else {
            exchange(&mut b, &mut a, &mut stream);
        }
        largest = largest.max(write(&a)[0].len()).max(write(&b)[0].len());
    }

    // Counters, three epochs, the encoder's index, number and highest index of the chunks.
    assert_eq!(8 + 8 + 36 + 72 + 1 + 72 + 2 + 3, largest);
}

#[test]
fn every_truncation_and_extension_is_damage() {
    for ratchet in every_state().values() {
        let parts = write(ratchet);
        for part in 0..3 {
            for length in 0..parts[part].len() {
                let mut short = parts.clone();
                short[part].truncate(length);
                assert_eq!(Some(Error::CorruptState), read(&short).err());
            }
            let mut long = parts.clone();
            long[part].push(0);
            assert_eq!(Some(Error::CorruptState), read(&long).err());
        }
    }
}

#[test]
fn chunks_that_the_head_does_not_count_are_damage() {
    let mut with_chunks = 0;
    for (name, ratchet) in every_state() {
        let stored = chunks(&ratchet);
        let parts = write(&ratchet);
        if stored.is_empty() {
            assert_eq!(Err(Error::CorruptState), read(&parts).unwrap().fill(&[chunk(0)]));
            continue;
        }
        with_chunks += 1;
        for missing in 0..stored.len() {
            let mut fewer = stored.clone();
            fewer.remove(missing);
            assert_eq!(Err(Error::CorruptState), read(&parts).unwrap().fill(&fewer), "{name}");
        }
        let more = [&stored[..], &[chunk(u16::MAX)]].concat();
        assert_eq!(Err(Error::CorruptState), read(&parts).unwrap().fill(&more));
    }
    assert_eq!(5, with_chunks);
}

fn chunk(index: u16) -> Chunk {
    Chunk { index, bytes: [1; 32] }
}

#[test]
fn a_conversation_goes_on_without_reading_chunks_until_they_are_needed() {
    let (mut a, mut b) = pair();
    let mut stream = Stream(21);
    let (mut left, mut filled) = (0, 0);
    for _ in 0..2_000 {
        let a_sends = stream.percent(50);
        let (from, to) = if a_sends { (&mut a, &mut b) } else { (&mut b, &mut a) };
        let (message, key) = from.send(&mut stream).unwrap();
        if stream.percent(30) {
            continue;
        }
        let mut light = read(&write(to)).unwrap();
        match open(&mut light, &message) {
            Ok(opened) => {
                assert!(opened.ct_eq(&key));
                left += 1;
                // The chunks that came before stay, and the new one is in memory.
                assert!(chunks(&light).len() <= 1);
                receive(to, &message);
                assert_eq!(write(to), write(&light));
            }
            Err(error) => {
                assert_eq!(Error::PartMissing, error);
                assert_eq!(write(to), write(&light));
                light.fill(&chunks(to)).unwrap();
                assert!(open(&mut light, &message).unwrap().ct_eq(&key));
                filled += 1;
                *to = light;
            }
        }
    }
    assert!(a.epoch() > 10 && left > 10 * filled && filled > 40, "{left} {filled}");
}

fn open(ratchet: &mut Spqr, message: &Message) -> Result<Secret<32>, Error> {
    let plan = ratchet.plan_receive(message, &mut budget())?;
    let key = plan.key().duplicate();
    ratchet.commit_receive(plan, message).map(|()| key)
}

#[test]
fn the_state_is_written_again_only_when_it_turns() {
    let (mut a, mut b) = pair();
    let mut stream = Stream(13);
    let mut turns = 0;
    for _ in 0..2_000 {
        let before = [&a, &b].map(|side| (write(side), side.generations()));
        let a_sends = stream.percent(50);
        let (from, to) = if a_sends { (&mut a, &mut b) } else { (&mut b, &mut a) };
        let (message, _) = from.send(&mut stream).unwrap();
        if stream.percent(70) {
            receive(to, &message);
        }
        for ((old, generations), side) in before.iter().zip([&a, &b]) {
            let turned = generations.turns < side.generations().turns;
            assert_eq!(turned, old[1] != write(side)[1]);
            assert_eq!(0, side.generations().replaced);
            turns += u32::from(turned);
        }
    }
    assert!(turns > 100);
}

#[test]
fn a_chunk_in_the_place_of_another_needs_the_stored_ones_and_is_told_apart() {
    let (_, mut b) = pair();
    let with = |index: u32, bytes| {
        Message::new(1, index, message::Payload::Header(Chunk { index: 5, bytes: [bytes; 32] }))
    };
    receive(&mut b, &with(1, 1));
    assert_eq!(Generations { turns: 0, added: 1, replaced: 0 }, b.generations());
    let mut light = read(&write(&b)).unwrap();

    assert_eq!(Some(Error::PartMissing), open(&mut light, &with(2, 2)).err());
    light.fill(&chunks(&b)).unwrap();
    receive(&mut light, &with(2, 2));
    receive(&mut light, &with(3, 2));

    assert_eq!(Generations { turns: 0, added: 0, replaced: 1 }, light.generations());
    assert_eq!(vec![Chunk { index: 5, bytes: [2; 32] }], chunks(&light));
}
