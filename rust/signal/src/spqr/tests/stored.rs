// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stored form: what is written reads back, and anything else is damage.

use std::collections::BTreeMap;

use super::*;

/// One stored form of every state that a lossy conversation passes through, by name; a state
/// that holds chunks is taken with some of them.
fn every_state() -> BTreeMap<&'static str, [Vec<u8>; 3]> {
    let (mut a, mut b) = pair();
    let mut stream = Stream(9);
    let mut states = BTreeMap::new();
    for _ in 0..3_000 {
        let a_sends = stream.percent(50);
        let (from, to) = if a_sends { (&mut a, &mut b) } else { (&mut b, &mut a) };
        let (message, _) = from.send(&mut stream).unwrap();
        if stream.percent(60) {
            receive(to, &message);
        }
        for side in [&a, &b] {
            let parts = encode(side);
            let larger = |kept: &[Vec<u8>; 3]| kept[1].len() >= parts[1].len();
            if !states.get(side.state_name()).is_some_and(larger) {
                states.insert(side.state_name(), parts);
            }
        }
    }
    states
}

fn corrupt(parts: &[Vec<u8>; 3]) -> bool {
    decode(parts).err() == Some(Error::CorruptState)
}

#[test]
fn every_state_reads_back() {
    let states = every_state();

    assert_eq!(11, states.len());
    for (name, parts) in &states {
        let read = decode(parts).unwrap();
        assert_eq!(*name, read.state_name());
        assert_eq!((0, 0), (read.objects_generation(), read.skipped_generation()));
        assert_eq!(*parts, encode(&read));
    }
}

#[test]
fn every_truncation_and_extension_is_damage() {
    for parts in every_state().values() {
        for part in 0..3 {
            for length in 0..parts[part].len() {
                let mut short = parts.clone();
                short[part].truncate(length);
                assert!(corrupt(&short), "part {part} of length {length}");
            }
            let mut long = parts.clone();
            long[part].push(0);
            assert!(corrupt(&long));
        }
    }
}

#[test]
fn objects_of_another_state_are_damage() {
    let states = every_state();
    for (name, parts) in &states {
        for (other, others) in &states {
            let mixed = [parts[0].clone(), others[1].clone(), parts[2].clone()];
            assert_eq!(name != other, corrupt(&mixed), "{name} with {other}");
        }
    }
}

#[test]
fn the_other_role_cannot_be_in_the_state() {
    for parts in every_state().values() {
        let mut parts = parts.clone();
        parts[0][ROLE] = 3 - parts[0][ROLE];
        assert!(corrupt(&parts));
        parts[0][ROLE] = 0;
        assert!(corrupt(&parts));
    }
}

#[test]
fn epochs_that_do_not_belong_together_are_damage() {
    for parts in every_state().values() {
        let sending = u64::from_be_bytes(parts[0][SENDING_EPOCH..][..8].try_into().unwrap());
        for wrong in [sending + 1, sending + 2, u64::MAX] {
            let mut parts = parts.clone();
            parts[0][SENDING_EPOCH..][..8].copy_from_slice(&wrong.to_be_bytes());
            assert!(corrupt(&parts));
        }
    }
}

#[test]
fn a_next_epoch_that_was_sent_in_is_damage() {
    let parts = &every_state()["Ct1Sampled"];
    let sending = u64::from_be_bytes(parts[0][SENDING_EPOCH..][..8].try_into().unwrap());
    let current = SENDING_EPOCH + 8 + if sending == 0 { 0 } else { 36 };
    let next = current + 72;
    assert_eq!(1, parts[0][next]);

    for (index, value) in [(next + 1 + 32, 1_u32), (current + 32, 0)] {
        let mut parts = parts.clone();
        parts[0][index..][..4].copy_from_slice(&value.to_be_bytes());
        assert_eq!(value == 1 || sending > 0, corrupt(&parts));
    }
    let mut parts = parts.clone();
    parts[0][next] = 2;
    assert!(corrupt(&parts));
}

#[test]
fn chunks_that_repeat_descend_or_complete_the_object_are_damage() {
    let (_, mut b) = pair();
    for index in [2, 1] {
        let chunk = erasure::Chunk { index, bytes: [7; 32] };
        let payload = message::Payload::Header(chunk);
        receive(&mut b, &Message::new(1, u32::from(3 - index), payload));
    }
    let parts = encode(&b);
    assert_eq!([6, 0, 0, 0, 2, 0, 1], parts[1][..7]);

    for (position, value) in [(6, 2), (6, 3), (4, 3), (4, 1), (1, 1)] {
        let mut parts = parts.clone();
        parts[1][position] = value;
        assert!(corrupt(&parts), "{value} at {position}");
    }
    let mut third = parts.clone();
    third[1][4] = 3;
    third[1].extend([9; 34]);
    assert!(corrupt(&third));
}

#[test]
fn a_state_that_a_chunk_led_to_is_damaged_without_one() {
    for (name, chunk_len) in
        [("HeaderSent", 34), ("EkSentCt1Received", 34), ("Ct1Acknowledged", 34)]
    {
        let mut parts = every_state()[name].clone();
        let objects = &mut parts[1];
        let base = match name {
            "HeaderSent" => 1 + 65 + 1152,
            "EkSentCt1Received" => 1 + 65 + 960,
            _ => 1 + 96 + 960,
        };
        assert_eq!(0, (objects.len() - base - 4) % chunk_len);
        objects.truncate(base);
        objects.extend([0; 4]);

        assert!(corrupt(&parts), "{name}");
    }
}

#[test]
fn kept_keys_outside_the_window_or_of_the_future_are_damage() {
    let (mut a, mut b) = pair();
    let mut stream = Stream(1);
    for _ in 0..2_100 {
        a.send(&mut stream).unwrap();
    }
    receive(&mut b, &a.send(&mut stream).unwrap().0);
    let parts = encode(&b);
    assert_eq!(101_u32.to_be_bytes(), parts[2][4..8]);

    for wrong in [0_u32, 100, 102, 2_101] {
        let mut parts = parts.clone();
        parts[2][4..8].copy_from_slice(&wrong.to_be_bytes());
        assert!(corrupt(&parts), "{wrong}");
    }
}

#[test]
fn an_unknown_key_form_is_damage() {
    let mut parts = every_state()["HeaderSent"].clone();
    parts[1][1] = 3;

    assert!(corrupt(&parts));
}

#[test]
fn a_key_that_has_sent_nothing_may_be_entered() {
    let (mut a, mut b) = pair();
    let mut other = Stream(77);
    let mut sampled = pair().0;
    sampled.send(&mut other).unwrap();
    let key = encode(&sampled)[1].clone();

    // The tag of KeysUnsampled ends the head; that of KeysSampled and a counter take its place.
    let mut parts = encode(&a);
    assert_eq!(Some(1), parts[0].pop());
    parts[0].extend([2, 0, 0]);
    parts[1] = key;
    a = decode(&parts).unwrap();
    let (message, _) = a.send(&mut Failing).unwrap();

    assert_eq!(Some(0), message.payload().chunk().map(|chunk| chunk.index));
    receive(&mut b, &message);
    talk((&mut a, &mut b), &mut Stream(5), |a, b| a.epoch() == 3 && b.epoch() == 3);
}

#[test]
fn a_part_changes_only_with_its_generation() {
    let (mut a, mut b) = pair();
    let mut stream = Stream(13);
    let mut rewritten = [0, 0];
    let state =
        |side: &Spqr| (encode(side), [side.objects_generation(), side.skipped_generation()]);
    for _ in 0..2_000 {
        let before = [state(&a), state(&b)];
        let a_sends = stream.percent(50);
        let (from, to) = if a_sends { (&mut a, &mut b) } else { (&mut b, &mut a) };
        let (message, _) = from.send(&mut stream).unwrap();
        if stream.percent(70) {
            receive(to, &message);
        }
        for ((old, old_generations), (new, generations)) in
            before.iter().zip([state(&a), state(&b)])
        {
            for part in 0..2 {
                let changed = old[part + 1] != new[part + 1];
                assert_eq!(changed, old_generations[part] < generations[part]);
                rewritten[part] += u32::from(changed);
            }
        }
    }

    assert!(rewritten.iter().all(|&count| count > 100));
}

/// Where the role stands in the head.
const ROLE: usize = 8;

/// Where the chain epoch of the latest message sent stands in the head.
const SENDING_EPOCH: usize = 8 + 1 + 4 + 32;
