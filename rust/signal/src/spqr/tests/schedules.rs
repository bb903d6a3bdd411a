// SPDX-License-Identifier: MIT OR Apache-2.0
//! Conversations with loss, reordering, late delivery and replays (spqr.md §9.4 and §10).

use super::*;

/// A message under way: who sent it, and what its key is.
struct Posted {
    to_b: bool,
    message: Message,
    key: Secret<32>,
}

/// How a network behaves, in percent.
struct Network {
    loss: usize,
    delay: usize,
    replay: usize,
    /// The share of messages that A sends.
    share: usize,
    steps: usize,
}

/// What a conversation came to.
#[derive(Debug, Default)]
struct Outcome {
    opened: usize,
    replayed: usize,
    too_late: usize,
    epoch: u64,
}

/// Runs a schedule. Every message opens with the sender's key unless it is older than the
/// receiver's latest message allows (spqr.md §9.4); every second step the state is stored and
/// read back.
fn run(network: &Network, seed: u64) -> Outcome {
    let mut stream = Stream(seed);
    let (mut a, mut b) = pair();
    // The wire epoch of the latest message of A and of B.
    let mut latest = [0_u64, 0];
    let mut outcome = Outcome::default();
    let mut under_way: Vec<Posted> = Vec::new();
    for _ in 0..network.steps {
        let to_b = stream.percent(network.share);
        let sender = if to_b { &mut a } else { &mut b };
        let (message, key) = sender.send(&mut stream).unwrap();
        latest[usize::from(!to_b)] = message.epoch();
        if !stream.percent(network.loss) {
            under_way.push(Posted { to_b, message, key });
        }
        while !under_way.is_empty() && !stream.percent(network.delay) {
            let posted = under_way.swap_remove(stream.below(under_way.len()));
            let receiver = if posted.to_b { &mut b } else { &mut a };
            deliver(receiver, &posted, latest[usize::from(posted.to_b)], &mut outcome);
            if stream.percent(network.replay) {
                assert!(try_receive(receiver, &posted.message).is_err());
                outcome.replayed += 1;
            }
        }
        if stream.percent(50) {
            let stored = if stream.percent(50) { &mut a } else { &mut b };
            let parts = encode(stored);
            *stored = decode(&parts).unwrap();
            assert_eq!(parts, encode(stored));
        }
    }
    outcome.epoch = a.epoch().min(b.epoch());
    assert!(a.epoch().abs_diff(b.epoch()) <= 1);
    outcome
}

fn deliver(receiver: &mut Spqr, posted: &Posted, latest: u64, outcome: &mut Outcome) {
    match try_receive(receiver, &posted.message) {
        Ok(key) => {
            assert!(key.ct_eq(&posted.key));
            assert!(posted.message.epoch() + 1 >= latest);
            outcome.opened += 1;
        }
        Err(error) => {
            assert_eq!(Error::Malformed, error);
            assert!(posted.message.epoch() + 1 < latest);
            outcome.too_late += 1;
        }
    }
}

#[test]
fn a_quiet_network_turns_an_epoch_every_87_messages() {
    let mut stream = Stream(1);
    let (mut a, mut b) = pair();

    let mut turns = Vec::new();
    talk((&mut a, &mut b), &mut stream, |a, b| a.epoch() == 2 && b.epoch() == 2);
    for epoch in 3..8 {
        // Whoever did not send last is next: the side that has just learned of the epoch.
        let pair = if epoch % 2 == 1 { (&mut b, &mut a) } else { (&mut a, &mut b) };
        turns.push(talk(pair, &mut stream, |a, b| a.epoch() == epoch && b.epoch() == epoch));
    }

    assert_eq!(vec![87; 5], turns);
}

#[test]
fn a_lossy_and_reordering_network_loses_no_key() {
    for seed in 1..=8 {
        let network = Network { loss: 30, delay: 60, replay: 20, share: 50, steps: 1_000 };
        let outcome = run(&network, seed);

        assert!(outcome.epoch >= 4, "{outcome:?}");
        assert!(outcome.opened > 500 && outcome.replayed > 50, "{outcome:?}");
    }
}

#[test]
fn most_messages_may_be_lost() {
    for seed in 11..=14 {
        let network = Network { loss: 85, delay: 30, replay: 10, share: 50, steps: 4_000 };
        let outcome = run(&network, seed);

        assert!(outcome.epoch >= 3, "{outcome:?}");
    }
}

#[test]
fn very_late_messages_open_exactly_until_the_epoch_is_forgotten() {
    let mut too_late = 0;
    for seed in 21..=26 {
        let network = Network { loss: 0, delay: 96, replay: 5, share: 50, steps: 1_500 };
        too_late += run(&network, seed).too_late;
    }
    let quick = Network { loss: 0, delay: 51, replay: 5, share: 50, steps: 3_000 };
    for seed in 31..=33 {
        let outcome = run(&quick, seed);
        assert!(outcome.epoch >= 8, "{outcome:?}");
        too_late += outcome.too_late;
    }

    assert!(too_late > 0);
}

#[test]
fn a_one_sided_conversation_stays_in_its_epoch_but_opens() {
    let network = Network { loss: 10, delay: 40, replay: 5, share: 100, steps: 1_000 };
    let outcome = run(&network, 41);

    assert_eq!(1, outcome.epoch);
    assert!(outcome.opened > 800, "{outcome:?}");
}

#[test]
fn an_unequal_conversation_advances() {
    for (seed, share) in [(51, 90), (52, 10)] {
        let network = Network { loss: 20, delay: 50, replay: 5, share, steps: 4_000 };
        let outcome = run(&network, seed);

        assert!(outcome.epoch >= 3, "{outcome:?}");
    }
}
