// SPDX-License-Identifier: MIT OR Apache-2.0
//! Steps and records of sessions that their owner stores.

use e2ee_primitives::random::Random;
use e2ee_state::{Failure, Saved, Sealer, StoreError, Workers};

use super::*;
use crate::megolm::{
    StandaloneInbound, StandaloneOutbound,
    standalone::{Opened, PARTS, SENDING},
};

const NO_EVENT: Option<&[u8]> = None;

fn sealer(key: u8) -> Sealer {
    Sealer::standalone(Secret::new([key; 32]))
}

fn pair() -> (StandaloneOutbound, StandaloneInbound) {
    let outbound = StandaloneOutbound::create(&sealer(1), &mut Counter(5)).unwrap();
    let session = receiver(outbound.session());
    (outbound, StandaloneInbound::new(&sealer(1), session))
}

fn encrypt(outbound: &mut StandaloneOutbound) -> Vec<u8> {
    let (_, message) = outbound.encrypt(b"text", &mut Counter(9)).unwrap();
    outbound.stage().release();
    message
}

type Step = Result<(Vec<Saved>, Opened), Failure>;

fn decrypt(inbound: &mut StandaloneInbound, message: &[u8], event: Option<&[u8]>) -> Step {
    let step = inbound.decrypt(message, event, &mut Counter(11));
    inbound.stage().release();
    step
}

fn names(writes: &[Saved]) -> Vec<(&'static str, u64)> {
    writes.iter().map(|saved| (saved.name, saved.revision)).collect()
}

fn error<T>(result: Result<T, Failure>) -> Option<Failure> {
    result.err()
}

#[test]
fn an_outbound_session_goes_on_from_its_record() {
    let (mut outbound, mut inbound) = pair();
    let (writes, first) = outbound.encrypt(b"first", &mut Counter(1)).unwrap();
    let id = *outbound.session().session_id();
    let [Saved { name: SENDING, base: 0, revision: 1, sealed }] = &writes[..] else {
        panic!("{writes:?}")
    };

    let mut loaded = StandaloneOutbound::load(&sealer(1), &id, (1, sealed)).unwrap();
    let (writes, second) = loaded.encrypt(b"second", &mut Counter(1)).unwrap();

    assert_eq!(vec![(SENDING, 2)], names(&writes));
    assert_eq!(0, decrypt(&mut inbound, &first, NO_EVENT).unwrap().1.index);
    assert_eq!(1, decrypt(&mut inbound, &second, NO_EVENT).unwrap().1.index);
    for (key, id, revision) in [(2, id, 1), (1, [0; 32], 1), (1, id, 2)] {
        let refused = StandaloneOutbound::load(&sealer(key), &id, (revision, sealed));
        assert_eq!(Some(StoreError::Corruption.into()), error(refused));
    }
}

#[test]
fn an_open_step_refuses_the_next_and_a_dropped_one_leaves_the_session_stale() {
    let (mut outbound, mut inbound) = pair();
    let message = encrypt(&mut outbound);
    outbound.encrypt(b"text", &mut Counter(1)).unwrap();
    inbound.decrypt(&message, NO_EVENT, &mut Counter(1)).unwrap();

    for _ in 0..2 {
        let stale = Some(Failure::from(Error::Stale));
        assert_eq!(stale, error(outbound.encrypt(b"text", &mut Counter(1))));
        assert_eq!(Some(Error::Stale), outbound.session_key().err());
        assert_eq!(stale, error(inbound.decrypt(&message, NO_EVENT, &mut Counter(1))));
        let many = [(&message, NO_EVENT)];
        assert_eq!(stale, error(inbound.decrypt_many(&many, &Backwards, &mut Counter(1))));
        assert_eq!(stale, error(inbound.save(&mut Counter(1))));
        outbound.stage().abandon();
        inbound.stage().abandon();
    }
}

#[test]
fn only_what_must_be_saved_is_written() {
    let (mut outbound, mut inbound) = pair();
    let messages: Vec<_> = (0..70).map(|_| encrypt(&mut outbound)).collect();
    let mut written =
        |at: usize, event| names(&decrypt(&mut inbound, &messages[at], event).unwrap().0);

    let both = |revision| vec![(PARTS[1], revision), (PARTS[0], revision)];
    assert_eq!(both(1), written(0, NO_EVENT));
    assert!(written(1, NO_EVENT).is_empty());
    assert_eq!(both(2), written(1, Some(b"$one")));
    assert!(written(1, Some(b"$one")).is_empty());
    assert!(written(64, NO_EVENT).is_empty());
    assert_eq!(vec![(PARTS[0], 3)], written(65, NO_EVENT));
    assert!(written(64, NO_EVENT).is_empty());
}

#[test]
fn an_inbound_session_goes_on_from_its_records_and_knows_its_events() {
    let (mut outbound, mut inbound) = pair();
    let id = *outbound.session().session_id();
    let message = encrypt(&mut outbound);
    let (writes, _) = decrypt(&mut inbound, &message, Some(b"$one")).unwrap();
    let [events, head] = &writes[..] else { panic!("{writes:?}") };
    let load = |key, id, revisions: [u64; 2]| {
        let records = [(revisions[0], &head.sealed[..]), (revisions[1], &events.sealed)];
        StandaloneInbound::load(&sealer(key), &id, records)
    };

    let mut loaded = load(1, id, [1, 1]).unwrap();

    assert!(decrypt(&mut loaded, &message, Some(b"$one")).is_ok());
    let replayed = decrypt(&mut loaded, &message, Some(b"$two"));
    assert_eq!(Some(Error::Duplicate.into()), error(replayed));
    assert!(decrypt(&mut loaded, &message, NO_EVENT).is_ok());
    for (key, id, revisions) in
        [(2, id, [1, 1]), (1, [0; 32], [1, 1]), (1, id, [2, 1]), (1, id, [1, 2])]
    {
        let refused = load(key, id, revisions);
        assert_eq!(Some(StoreError::Corruption.into()), error(refused));
    }
}

#[test]
fn events_of_another_time_do_not_fit_the_head() {
    let (mut outbound, mut inbound) = pair();
    let id = *outbound.session().session_id();
    let steps: Vec<_> = [b"$0", b"$1"]
        .map(|event| decrypt(&mut inbound, &encrypt(&mut outbound), Some(event)).unwrap().0)
        .into();
    let [[old_events, _], [_, new_head]] = [&steps[0][..], &steps[1][..]] else { panic!() };

    let records = [(2, &new_head.sealed[..]), (1, &old_events.sealed[..])];
    let refused = StandaloneInbound::load(&sealer(1), &id, records);

    assert_eq!(Some(StoreError::Corruption.into()), error(refused));
}

#[test]
fn a_refused_message_leaves_no_event_behind() {
    let (mut outbound, mut inbound) = pair();
    let message = encrypt(&mut outbound);
    let mut forged = message.clone();
    *forged.last_mut().unwrap() ^= 1;

    assert_eq!(Some(Error::Forged.into()), error(decrypt(&mut inbound, &forged, Some(b"$bad"))));
    assert!(decrypt(&mut inbound, &message, Some(b"$good")).is_ok());
}

#[test]
fn a_merge_is_saved() {
    let (outbound, full) = pair();
    let mut late = StandaloneInbound::new(&sealer(1), export(full.session(), 9));

    assert_eq!(vec![(PARTS[1], 1), (PARTS[0], 1)], names(&late.save(&mut Counter(1)).unwrap()));
    late.stage().release();
    let writes = late.merge(full.session(), &mut Counter(1)).unwrap();
    late.stage().release();

    assert_eq!(vec![(PARTS[0], 2)], names(&writes));
    assert_eq!(0, late.session().first_known_index());
    let other = receiver(&sender(3));
    assert_eq!(Some(Error::InvalidKey.into()), error(late.merge(&other, &mut Counter(1))));
    assert!(late.save(&mut Counter(1)).is_ok());
    assert_eq!(outbound.session().session_id(), late.session().session_id());
}

/// Does the work backwards, as threads may.
struct Backwards;

impl Workers for Backwards {
    fn map<T: Send, R: Send>(
        &self,
        items: Vec<T>,
        _: impl Fn(&T) -> usize,
        work: impl Fn(T, &mut dyn Random) -> R + Sync,
    ) -> Vec<R> {
        let mut done: Vec<R> =
            items.into_iter().rev().map(|item| work(item, &mut Counter(0))).collect();
        done.reverse();
        done
    }
}

#[test]
fn many_at_once_give_what_one_after_the_other_does() {
    let (mut outbound, mut together) = pair();
    let mut alone = StandaloneInbound::new(&sealer(1), receiver(outbound.session()));
    let mut messages: Vec<_> = (0..12).map(|_| encrypt(&mut outbound)).collect();
    messages.swap(2, 9);
    messages.push(messages[5].clone());
    *messages[7].last_mut().unwrap() ^= 1;
    messages.push(b"noise".to_vec());
    let many: Vec<_> =
        messages.into_iter().zip(0_u8..).map(|(message, at)| (message, Some([at]))).collect();

    let expected: Vec<_> = many
        .iter()
        .map(|(message, event)| {
            let step = decrypt(&mut alone, message, event.as_ref().map(|id| &id[..]));
            step.map(|(_, opened)| (opened.index, opened.plaintext.expose().to_vec()))
        })
        .collect();
    let (writes, opened) = together.decrypt_many(&many, &Backwards, &mut Counter(1)).unwrap();

    assert_eq!(vec![(PARTS[1], 1), (PARTS[0], 1)], names(&writes));
    let opened: Vec<_> = opened
        .into_iter()
        .map(|each| each.map(|it| (it.index, it.plaintext.expose().to_vec())))
        .map(|each| each.map_err(Failure::from))
        .collect();
    assert_eq!(expected, opened);
    assert_eq!(Err(Error::Duplicate.into()), opened[12]);
    assert_eq!(alone.session().encode(&[]).expose(), together.session().encode(&[]).expose());
}
