// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages that are missing, and what is sent again (mtproto_secret_chats.md §5).

use super::*;
use crate::limits::{MAX_GAP, MAX_RESEND};

#[test]
fn later_messages_wait_for_the_one_that_is_missing() {
    let [mut ours, mut theirs] = pair();
    let wires: Vec<_> = (0..4).map(|number| ours.send_one(&text(number))).collect();

    let request = theirs.receive(&wires[2]).unwrap();
    assert_eq!(Ok(vec![]), theirs.receive(&wires[3]));
    assert!(theirs.opened.is_empty());
    let again = ours.receive(&request[0]).unwrap();
    assert_eq!(wires[..2], again);
    for wire in again {
        theirs.receive(&wire).unwrap();
    }

    assert_eq!((0..4).map(text).collect::<Vec<_>>(), theirs.opened);
    assert!(theirs.waiting.is_empty());
}

#[test]
fn each_hole_is_asked_for_once() {
    let [mut ours, mut theirs] = pair();
    let wires: Vec<_> = (0..7).map(|number| ours.send_one(&text(number))).collect();

    assert_eq!(1, theirs.receive(&wires[2]).unwrap().len());
    assert_eq!(0, theirs.receive(&wires[3]).unwrap().len());
    assert_eq!(1, theirs.receive(&wires[6]).unwrap().len());
    assert_eq!(0, theirs.receive(&wires[5]).unwrap().len());
    let asked = theirs.step(|chat, _, at| Ok(chat.ask_again(at)?)).unwrap();
    assert_eq!(2, asked.len());
}

#[test]
fn a_repetition_is_dropped_whether_it_was_taken_in_or_waits() {
    let [mut ours, mut theirs] = pair();
    let [first, _, third] = [0, 1, 2].map(|number| ours.send_one(&text(number)));
    theirs.receive(&first).unwrap();
    theirs.receive(&third).unwrap();
    let state = theirs.state.clone();

    assert_eq!(Err(Error::Duplicate.into()), theirs.receive(&first));
    assert_eq!(Err(Error::Duplicate.into()), theirs.receive(&third));
    assert_eq!(state, theirs.state);
}

#[test]
fn a_request_that_waits_itself_is_served_at_once_and_only_once() {
    let [mut ours, mut theirs] = pair();
    let lost = ours.send_one(&text(0));
    let late = theirs.send_one(&text(1));
    let seen = ours.send_one(&text(2));
    let request = theirs.receive(&seen).unwrap();

    let answers = ours.receive(&request[0]).unwrap();
    assert_eq!(lost, answers[0]);
    assert_eq!(2, answers.len(), "and a request of our own");
    assert_eq!(Ok(vec![]), ours.receive(&late));

    assert_eq!(vec![text(1)], ours.opened);
    settle(&mut [ours, theirs], [vec![], answers]);
}

#[test]
fn only_messages_that_are_held_are_sent_again() {
    for (start, end, expected) in [
        (0, 0, Error::Malformed),
        (5, 3, Error::Malformed),
        (7, 8, Error::Malformed),
        (1, 3, Error::Malformed),
        (7, 13, Error::Malformed),
    ] {
        let [mut ours, mut theirs] = pair();
        for number in 0..3 {
            theirs.receive(&ours.send_one(&text(number))).unwrap();
        }
        ours.receive(&theirs.send_one(&text(9))).unwrap();
        ours.send_one(&text(3));

        let request = theirs.forge(&Action::Resend { start, end });

        assert_eq!(Err(expected.into()), ours.receive(&request), "{start} to {end}");
    }
}

#[test]
fn a_request_and_a_gap_have_the_same_limit() {
    let [mut ours, mut theirs] = pair();
    let wires: Vec<_> = (0..=MAX_GAP + 1).map(|number| ours.forge_text(number)).collect();
    let last = usize::try_from(MAX_GAP).unwrap();

    assert_eq!(Err(Error::TooFarAhead.into()), theirs.receive(&wires[last + 1]));
    let request = theirs.receive(&wires[last]).unwrap();

    let again = ours.receive(&request[0]).unwrap();
    assert_eq!(wires[..usize::try_from(MAX_RESEND).unwrap()], again[..last]);
    let more = theirs.forge(&Action::Resend { start: 1, end: 2 * MAX_RESEND + 1 });
    assert_eq!(Err(Error::Malformed.into()), ours.receive(&more));
}

#[test]
fn the_carrier_gets_again_what_it_may_not_have() {
    let [mut ours, mut theirs] = pair();
    let wires: Vec<_> = (0..3).map(|number| ours.send_one(&text(number))).collect();
    assert_eq!(vec![0, 1, 2], ours.chat().unposted());

    ours.post(2);
    assert!(ours.chat().unposted().is_empty());
    let request = theirs.receive(&wires[2]).unwrap();
    ours.receive(&request[0]).unwrap();
    assert_eq!(vec![0, 1], ours.chat().unposted());
    ours.post(0);
    assert_eq!(vec![1], ours.chat().unposted());
    let refused = ours.step(|chat, _, _| {
        chat.posted(3)?;
        Ok(chat.effects())
    });
    assert_eq!(Err(Error::InvalidArgument.into()), refused);
}

#[test]
fn a_deleted_message_leaves_its_place_to_its_deletion() {
    let [mut ours, mut theirs] = pair();
    let lost = service(77, &Action::SetMessageTtl(1)).unwrap();
    let before = ours.send_one(&lost);

    let held = ours.held();
    let leaving = ours.step(|chat, _, at| Ok(chat.delete(&[77], held, at)?)).unwrap();
    assert_eq!(2, leaving.len());
    let request = theirs.receive(&leaving[1]).unwrap();
    let again = ours.receive(&request[0]).unwrap();

    assert_ne!(before, again[0]);
    theirs.receive(&again[0]).unwrap();
    assert_eq!(2, theirs.opened.len());
    assert!(!theirs.opened.contains(&lost));
    for opened in &theirs.opened {
        let message = Message::decode(opened).unwrap();
        let Message::Service { action, .. } = message else { panic!("no service message") };
        assert_eq!(Action::DeleteMessages(vec![77]), action);
    }
}

#[test]
fn a_deletion_names_the_layer_of_the_message_in_whose_place_it_stands() {
    let [mut ours, mut theirs] = pair();
    let deleted = ours.send_one(&service(77, &Action::SetMessageTtl(1)).unwrap());
    let behind = ours.send_one(&text(1));
    let mut chat = ours.chat();
    chat.their_layer = NEWEST_LAYER;
    ours.state = chat.encode().expose().to_vec();

    let held = ours.held();
    let leaving = ours.step(|chat, _, at| Ok(chat.delete(&[77], held, at)?)).unwrap();

    assert_ne!(deleted, leaving[0]);
    for wire in [&leaving[0], &behind, &leaving[1]] {
        theirs.receive(wire).unwrap();
    }
    assert_eq!(3, theirs.opened.len());
}

#[test]
fn a_message_of_the_protocol_itself_keeps_its_place() {
    let mut ends = pair();
    let request = ends[0].rekey().unwrap();
    let (held, ids) = (ends[0].held(), [ends[0].sent[&0].random_id]);

    let leaving = ends[0].step(|chat, _, at| Ok(chat.delete(&ids, held, at)?)).unwrap();

    assert_eq!(1, leaving.len());
    assert_eq!(request[0], ends[0].sent[&0].wire);
    settle(&mut ends, [vec![], [request, leaving].concat()]);
    assert!(ends.iter().all(|end| end.chat().keys.may_ask()));
}

#[test]
fn what_a_later_message_acknowledges_is_not_sent_again() {
    let [mut ours, mut theirs] = pair();
    let wires = [0, 1].map(|number| ours.send_one(&text(number)));
    let request = theirs.receive(&wires[1]).unwrap();
    theirs.receive(&wires[0]).unwrap();
    let behind = theirs.send_one(&text(2));

    assert_eq!(1, ours.receive(&behind).unwrap().len(), "the request is missing");
    let again = ours.receive(&request[0]).unwrap();

    assert_eq!((Vec::<Vec<u8>>::new(), vec![text(2)]), (again, ours.opened));
}

impl End {
    /// A message without a request for the next key behind it.
    fn forge_text(&mut self, number: u32) -> Vec<u8> {
        let leaving = self.step(|chat, _, at| {
            let mut effects = chat.effects();
            chat.make((&text(number), 1, false), &mut effects, at.1)?;
            Ok(effects)
        });
        leaving.unwrap().remove(0)
    }

    fn post(&mut self, number: u32) {
        let posted = self.step(|chat, _, _| {
            chat.posted(number)?;
            Ok(chat.effects())
        });
        posted.unwrap();
    }

    fn held(&self) -> Vec<Sent> {
        let copy = |sent: &Sent| Sent { wire: sent.wire.clone(), ..*sent };
        self.sent.values().map(copy).collect()
    }
}
