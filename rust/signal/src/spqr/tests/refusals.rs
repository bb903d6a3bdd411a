// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an authenticated but broken peer, or a failing random source, cannot do (spqr.md §7.3, §8).

use super::{
    message::Payload::{self, Ct1, Ct2, Header, Vector, VectorAndCt1Ack},
    *,
};

/// Both sides in the given states.
fn until(a_state: &str, b_state: &str) -> (Spqr, Spqr, Stream) {
    let (mut a, mut b) = pair();
    let mut stream = Stream(3);
    talk((&mut a, &mut b), &mut stream, |a, b| {
        a.state_name() == a_state && b.state_name() == b_state
    });
    (a, b, stream)
}

/// The message with one bit of its chunk turned.
fn damaged(message: &Message) -> Message {
    let mut payload = message.payload().clone();
    if let Header(chunk) | Vector(chunk) | VectorAndCt1Ack(chunk) | Ct1(chunk) | Ct2(chunk) =
        &mut payload
    {
        chunk.bytes[31] ^= 1;
    }
    Message::new(message.epoch(), message.index(), payload)
}

/// Feeds damaged chunks of the object that `from` sends, until one is refused. Each refusal leaves
/// the state; whole chunks behind the damaged ones do not help, as the specification says.
fn feed_damaged(from: &mut Spqr, to: &mut Spqr, stream: &mut Stream) {
    let state = to.state_name();
    let (first, _) = from.send(stream).unwrap();
    let mut refused = try_receive(to, &damaged(&first)).map(|_| ());
    for _ in 0..40 {
        let (message, _) = from.send(stream).unwrap();
        refused = refused.and(try_receive(to, &message).map(|_| ()));
    }

    assert_eq!(Err(Error::Forged), refused);
    assert_eq!(state, to.state_name());
}

/// Feeds whole chunks but a damaged last one, which is refused; the next whole one completes.
fn feed_damaged_last(from: &mut Spqr, to: &mut Spqr, stream: &mut Stream) {
    let state = to.state_name();
    loop {
        let (message, _) = from.send(stream).unwrap();
        if let Err(error) = try_receive(to, &damaged(&message)) {
            assert_eq!(Error::Forged, error);
            break;
        }
        // It was not the last: the whole chunk replaces it under the same index.
        let (next, _) = from.send(stream).unwrap();
        receive(to, &Message::new(next.epoch(), next.index(), message.payload().clone()));
        assert_eq!(state, to.state_name());
    }
    assert_eq!(state, to.state_name());
    let (message, _) = from.send(stream).unwrap();
    receive(to, &message);
    assert_ne!(state, to.state_name());
}

#[test]
fn a_header_with_a_wrong_chunk_is_refused() {
    let (mut a, mut b) = pair();
    feed_damaged(&mut a, &mut b, &mut Stream(3));

    let (mut a, mut b) = pair();
    feed_damaged_last(&mut a, &mut b, &mut Stream(3));
    assert_eq!("HeaderReceived", b.state_name());
}

#[test]
fn a_vector_with_a_wrong_chunk_is_refused() {
    let (mut a, mut b, mut stream) = until("HeaderSent", "Ct1Sampled");
    feed_damaged(&mut a, &mut b, &mut stream);

    let (mut a, mut b, mut stream) = until("HeaderSent", "Ct1Sampled");
    feed_damaged_last(&mut a, &mut b, &mut stream);
    assert_eq!("EkReceivedCt1Sampled", b.state_name());
}

#[test]
fn a_vector_with_a_wrong_chunk_is_refused_after_the_acknowledgement() {
    let (mut a, mut b, mut stream) = until("Ct1Received", "Ct1Acknowledged");
    feed_damaged(&mut a, &mut b, &mut stream);

    let (mut a, mut b, mut stream) = until("Ct1Received", "Ct1Acknowledged");
    feed_damaged_last(&mut a, &mut b, &mut stream);
    assert_eq!("Ct2Sampled", b.state_name());
}

#[test]
fn a_ciphertext_with_a_wrong_chunk_is_refused() {
    let (mut a, mut b, mut stream) = until("EkSentCt1Received", "Ct2Sampled");
    feed_damaged(&mut b, &mut a, &mut stream);

    let (mut a, mut b, mut stream) = until("EkSentCt1Received", "Ct2Sampled");
    feed_damaged_last(&mut b, &mut a, &mut stream);
    assert_eq!(2, a.epoch());
}

#[test]
fn a_wrong_first_ciphertext_part_fails_the_mac() {
    let (mut a, mut b, mut stream) = until("HeaderSent", "Ct1Sampled");
    let (message, _) = b.send(&mut stream).unwrap();
    receive(&mut a, &damaged(&message));
    while a.state_name() != "EkSentCt1Received" || b.state_name() != "Ct2Sampled" {
        exchange(&mut b, &mut a, &mut stream);
        exchange(&mut a, &mut b, &mut stream);
    }

    let mut results = Vec::new();
    for _ in 0..8 {
        let (message, _) = b.send(&mut stream).unwrap();
        results.push(try_receive(&mut a, &message).map(|_| ()));
    }

    assert_eq!(Some(&Err(Error::Forged)), results.last());
    assert_eq!(1, a.epoch());
}

#[test]
fn only_the_next_epoch_and_only_behind_the_ciphertext_is_believed() {
    let message = |epoch| Message::new(epoch, 1, Payload::Nothing);
    let (mut a, mut b) = pair();
    for epoch in [2, 3, u64::MAX] {
        for side in [&mut a, &mut b] {
            assert_eq!(Err(Error::Malformed), try_receive(side, &message(epoch)).map(|_| ()));
        }
    }

    let (_, mut b, _) = until("EkSentCt1Received", "Ct2Sampled");
    assert_eq!(Err(Error::Malformed), try_receive(&mut b, &message(3)).map(|_| ()));
    // Whatever its payload, which is not used.
    receive(&mut b, &message(2));
    assert_eq!((2, "KeysUnsampled"), (b.epoch(), b.state_name()));
}

#[test]
fn payloads_that_are_not_for_the_state_change_only_the_chain() {
    let chunk = erasure::Chunk { index: 0, bytes: [1; 32] };
    for payload in [Vector(chunk), Ct1(chunk), Ct2(chunk), Payload::Ct1Ack, Payload::Nothing] {
        let (_, mut b) = pair();
        let objects = encode(&b)[1].clone();

        receive(&mut b, &Message::new(1, 1, payload));

        assert_eq!(("NoHeaderReceived", 0), (b.state_name(), b.objects_generation()));
        assert_eq!(objects, encode(&b)[1]);
    }
}

#[test]
fn a_failing_random_source_changes_nothing() {
    let (mut a, _) = pair();
    let (_, mut b, _) = until("KeysSampled", "HeaderReceived");
    for side in [&mut a, &mut b] {
        let before = encode(side);

        assert_eq!(Err(Error::RandomUnavailable), side.send(&mut Failing).map(|_| ()));
        assert_eq!(before, encode(side));
    }
}

#[test]
fn randomness_is_drawn_only_for_a_key_and_for_a_ciphertext() {
    let (mut a, mut b) = pair();
    let mut stream = Stream(5);
    for turn in 0..400 {
        let (from, to) = if turn % 2 == 0 { (&mut a, &mut b) } else { (&mut b, &mut a) };
        if matches!(from.state_name(), "KeysUnsampled" | "HeaderReceived") {
            exchange(from, to, &mut stream);
        } else {
            let message = from.send(&mut Failing).unwrap().0;
            receive(to, &message);
        }
    }

    assert!(a.epoch() > 4);
}

#[test]
fn a_plan_that_another_message_overtook_is_refused() {
    let (mut a, mut b) = pair();
    let mut stream = Stream(1);
    let messages: Vec<_> = (0..3).map(|_| a.send(&mut stream).unwrap().0).collect();
    let stale = b.plan_receive(&messages[0], &mut budget()).unwrap();
    receive(&mut b, &messages[2]);
    let first = b.plan_receive(&messages[1], &mut budget()).unwrap();
    let second = b.plan_receive(&messages[1], &mut budget()).unwrap();

    assert_eq!(Err(Error::Duplicate), b.commit_receive(stale, &messages[0]));
    assert_eq!(Ok(()), b.commit_receive(first, &messages[1]));
    let before = encode(&b);
    assert_eq!(Err(Error::Duplicate), b.commit_receive(second, &messages[1]));
    assert_eq!(before, encode(&b));
}
