// SPDX-License-Identifier: MIT OR Apache-2.0
//! One key giving way to the next (mtproto_secret_chats.md §6).

use super::*;
use crate::limits::{REKEY_MESSAGES, REKEY_MS};

#[test]
fn both_ends_have_the_next_key_after_an_exchange() {
    let mut ends = pair();
    let before = ends[0].chat().fingerprint();

    let request = ends[0].rekey().unwrap();
    settle(&mut ends, [vec![], request]);

    let [ours, theirs] = ends.each_ref().map(|end| end.chat().fingerprint());
    assert_eq!(ours, theirs);
    assert_ne!(before, ours);
    assert!(ends.iter().all(|end| end.chat().keys.may_ask()));
    assert!(ends.iter().all(|end| end.changes.contains(&Change::Key(ours))));
}

#[test]
fn the_key_before_opens_nothing_after_the_exchange() {
    let mut ends = pair();
    let early = ends[1].send_one(&text(1));
    let request = ends[0].rekey().unwrap();
    ends[0].receive(&early).unwrap();
    settle(&mut ends, [vec![], request]);

    assert_eq!(Err(Error::NotForChat.into()), ends[0].receive(&early));
}

#[test]
fn a_message_under_the_new_key_that_overtakes_the_commit_waits_for_it() {
    let [mut ours, mut theirs] = pair();
    let request = ours.rekey().unwrap();
    let accept = theirs.receive(&request[0]).unwrap();
    let commit = ours.receive(&accept[0]).unwrap();
    let under_new = ours.send_one(&text(5));
    let under_old = theirs.send_one(&text(6));

    let asks = theirs.receive(&under_new).unwrap();
    assert!(theirs.opened.is_empty());
    ours.receive(&under_old).unwrap();
    let noop = theirs.receive(&commit[0]).unwrap();

    assert_eq!(vec![text(5)], theirs.opened);
    assert!(!ours.chat().keys.may_ask());
    for wire in asks.iter().chain(&noop) {
        ours.receive(wire).unwrap();
    }
    assert!(ours.chat().keys.may_ask());
}

#[test]
fn of_two_requests_at_once_the_one_with_the_greater_number_goes_on() {
    for _ in 0..2 {
        let mut ends = pair();
        let requests = ends.each_mut().map(|end| end.rekey().unwrap());
        let [ours, theirs] = requests;

        settle(&mut ends, [theirs, ours]);

        let [ours, theirs] = ends.map(|end| end.chat());
        assert_eq!(ours.fingerprint(), theirs.fingerprint());
        assert!(ours.keys.may_ask() && theirs.keys.may_ask());
    }
}

#[test]
fn two_requests_with_one_number_are_both_dropped() {
    let [mut ours, mut theirs] = pair();
    let before = ours.chat().fingerprint();
    ours.rekey().unwrap();
    let Keys::Asked { exchange_id, .. } = ours.chat().keys else { panic!("nothing was asked") };
    let public = [9; 256];

    let request = theirs.forge(&Action::RequestKey { exchange_id, their_public: &public });
    assert!(ours.receive(&request).is_err() || ours.chat().keys.may_ask());

    assert!(ours.chat().keys.may_ask());
    assert_eq!(before, ours.chat().fingerprint());
}

#[test]
fn a_key_is_changed_after_a_hundred_messages() {
    let mut ends = pair();
    for number in 0..REKEY_MESSAGES {
        let wires = ends[0].send(&text(number));
        assert_eq!(1, wires.len(), "after {number}");
        settle(&mut ends, [vec![], wires]);
    }

    let wires = ends[0].send(&text(REKEY_MESSAGES));
    assert_eq!(2, wires.len());
    settle(&mut ends, [vec![], wires]);

    assert!(ends.iter().all(|end| end.chat().keys.may_ask()));
    assert!(ends[0].changes.iter().any(|change| matches!(change, Change::Key(_))));
}

#[test]
fn a_key_that_was_used_is_changed_after_a_week() {
    let [mut ours, mut theirs] = pair();
    theirs.receive(&ours.send_one(&text(1))).unwrap();

    ours.now_ms = REKEY_MS;
    theirs.now_ms = REKEY_MS;

    assert_eq!(2, ours.send(&text(2)).len());
}

#[test]
fn a_key_that_was_never_used_is_not_changed_by_time_alone() {
    let [mut ours, _] = pair();
    ours.now_ms = REKEY_MS;

    let mut chat = ours.chat();
    let mut effects = chat.effects();
    chat.rekey_if_due(&group(), &mut effects, (ours.now_ms, &mut ours.random)).unwrap();

    assert!(effects.sent.is_empty());
}

#[test]
fn the_one_who_asked_may_give_up_before_the_commit() {
    let [mut ours, mut theirs] = pair();
    let before = ours.chat().fingerprint();
    let request = ours.rekey().unwrap();
    theirs.receive(&request[0]).unwrap();
    let Keys::Asked { exchange_id, .. } = ours.chat().keys else { panic!("nothing was asked") };

    let other = ours.forge(&Action::AbortKey { exchange_id: exchange_id ^ 1 });
    theirs.receive(&other).unwrap();
    assert!(!theirs.chat().keys.may_ask());
    let abort = ours.forge(&Action::AbortKey { exchange_id });
    theirs.receive(&abort).unwrap();

    assert!(theirs.chat().keys.may_ask());
    assert_eq!(before, theirs.chat().fingerprint());
}

#[test]
fn answers_and_commits_that_do_not_fit_are_refused_and_change_nothing() {
    let [mut ours, mut theirs] = pair();
    let public = *Offer::new(&group(), &[], &mut Stream::new(3)).unwrap().public().as_bytes();
    let accept =
        |exchange_id| Action::AcceptKey { exchange_id, their_public: &public, fingerprint: 1 };
    let unasked = theirs.forge(&accept(1));
    assert_eq!(Err(Error::Malformed.into()), ours.receive(&unasked));

    let [mut ours, mut theirs] = pair();
    ours.rekey().unwrap();
    let Keys::Asked { exchange_id, .. } = ours.chat().keys else { panic!("nothing was asked") };
    let state = ours.state.clone();
    let wrong = theirs.forge(&accept(exchange_id));
    assert_eq!(Err(Error::Forged.into()), ours.receive(&wrong));
    assert_eq!(state, ours.state);

    let [mut ours, mut theirs] = pair();
    let commit = theirs.forge(&Action::CommitKey { exchange_id: 1, fingerprint: 1 });
    assert_eq!(Err(Error::Malformed.into()), ours.receive(&commit));
}

#[test]
fn a_public_value_out_of_range_ends_the_chat() {
    for public in [vec![], vec![0; 256], vec![1], vec![0xff; 256], vec![9; 257]] {
        let [mut ours, mut theirs] = pair();
        let request = theirs.forge(&Action::RequestKey { exchange_id: 5, their_public: &public });

        assert_eq!(Err(Error::InvalidKey.into()), ours.receive(&request));
    }
}
