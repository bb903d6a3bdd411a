// SPDX-License-Identifier: MIT OR Apache-2.0
//! Jumps, the window of kept keys, the work budget and counters at their ends (spqr.md §9.4).

use super::*;

/// The message with this index from a fresh initiator, and its key.
fn sent(index: u32) -> Vec<(Message, Secret<32>)> {
    let (mut a, _) = pair();
    (0..index).map(|_| a.send(&mut Stream(7)).unwrap()).collect()
}

#[test]
fn a_jump_of_the_limit_opens_and_one_more_does_not() {
    let messages = sent(MAX_JUMP + 1);
    let (_, mut b) = pair();
    let (beyond, _) = &messages[messages.len() - 1];
    let (at_limit, key) = &messages[messages.len() - 2];

    let refused = b.plan_receive(beyond, &mut Budget::new(u32::MAX)).map(|_| ());

    assert_eq!(Err(Error::TooFarAhead), refused);
    assert!(receive(&mut b, at_limit).ct_eq(key));
    assert!(receive(&mut b, beyond).ct_eq(&messages[messages.len() - 1].1));
}

#[test]
fn a_jump_costs_as_many_steps_as_it_has_and_a_late_message_none() {
    let messages = sent(10);
    let (_, mut b) = pair();
    let last = &messages[9].0;

    let mut short = Budget::new(9);
    assert_eq!(Err(Error::TooFarAhead), b.plan_receive(last, &mut short).map(|_| ()));
    let mut exact = Budget::new(10);
    assert!(b.plan_receive(last, &mut exact).is_ok());
    assert_eq!(Err(Error::TooFarAhead), exact.spend(1));

    receive(&mut b, last);
    assert!(b.plan_receive(&messages[0].0, &mut Budget::new(0)).is_ok());
}

#[test]
fn a_key_is_kept_exactly_as_long_as_the_window() {
    let messages = sent(MAX_SKIPPED_KEYS + 3);
    let (_, mut b) = pair();

    // The newest key is number 2 002: numbers 2 to 2 001 are within 2 000 of it.
    receive(&mut b, &messages[2_001].0);

    assert_eq!(Err(Error::Malformed), try_receive(&mut b, &messages[0].0).map(|_| ()));
    assert!(receive(&mut b, &messages[1].0).ct_eq(&messages[1].1));
    assert_eq!(Err(Error::Duplicate), try_receive(&mut b, &messages[1].0).map(|_| ()));
    receive(&mut b, &messages[2_002].0);
    assert_eq!(Err(Error::Malformed), try_receive(&mut b, &messages[1].0).map(|_| ()));
    assert!(receive(&mut b, &messages[2].0).ct_eq(&messages[2].1));
}

#[test]
fn keys_that_leave_the_window_are_wiped() {
    let messages = sent(MAX_SKIPPED_KEYS * 2);
    let (_, mut b) = pair();
    let len = |b: &Spqr| (encode(b)[2].len() - 4) / 36;

    receive(&mut b, &messages[1_000].0);
    assert_eq!(1_000, len(&b));
    for (message, _) in &messages[1_001..2_500] {
        receive(&mut b, message);
    }
    assert_eq!(501, len(&b));
    receive(&mut b, &messages[3_500].0);
    assert_eq!(1_000, len(&b));
    receive(&mut b, &messages[3_999].0);
    assert_eq!(1_498, len(&b));
}

#[test]
fn the_newest_key_and_used_keys_do_not_open_twice() {
    let messages = sent(3);
    let (_, mut b) = pair();
    receive(&mut b, &messages[2].0);
    receive(&mut b, &messages[0].0);

    for used in [0, 2] {
        let again = try_receive(&mut b, &messages[used].0).map(|_| ());
        assert_eq!(Err(Error::Duplicate), again);
    }
    assert!(receive(&mut b, &messages[1].0).ct_eq(&messages[1].1));
}

#[test]
fn the_last_index_is_sent_and_then_the_chain_is_exhausted() {
    let (a, _) = pair();
    let mut parts = encode(&a);
    parts[0][SENDING_INDEX..][..4].copy_from_slice(&(u32::MAX - 1).to_be_bytes());
    let mut a = decode(&parts).unwrap();

    assert_eq!(u32::MAX, a.send(&mut Stream(1)).unwrap().0.index());
    let before = encode(&a);
    assert_eq!(Err(Error::Exhausted), a.send(&mut Stream(1)).map(|_| ()));
    assert_eq!(before, encode(&a));
}

#[test]
fn the_last_index_is_received_without_overflow() {
    let (_, b) = pair();
    let mut parts = encode(&b);
    parts[0][SENDING_INDEX + 36..][..4].copy_from_slice(&(u32::MAX - 5).to_be_bytes());
    let mut b = decode(&parts).unwrap();
    let message = |index| Message::new(1, index, message::Payload::Nothing);

    receive(&mut b, &message(u32::MAX));
    receive(&mut b, &message(u32::MAX - 1));

    for used in [u32::MAX, u32::MAX - 1] {
        assert_eq!(Err(Error::Duplicate), try_receive(&mut b, &message(used)).map(|_| ()));
    }
}

#[test]
fn chunk_indices_wrap_after_the_65_536th() {
    let (mut a, mut b) = pair();
    let mut stream = Stream(1);
    let mut last = None;
    for _ in 0..65_540 {
        last = Some(a.send(&mut stream).unwrap().0);
    }

    let chunk = last.unwrap();
    assert_eq!(Some(3), chunk.payload().chunk().map(|chunk| chunk.index));
    assert_eq!(65_540, a.messages_since_epoch());
    assert_eq!(Err(Error::TooFarAhead), try_receive(&mut b, &chunk).map(|_| ()));
}

/// Where the sending index of epoch 0 stands in the head; that of the receiving chain follows
/// behind its key.
const SENDING_INDEX: usize = 8 + 1 + 4 + 32 + 8 + 32;
