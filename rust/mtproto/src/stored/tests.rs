// SPDX-License-Identifier: MIT OR Apache-2.0
//! Chats over a store in memory: an error changes nothing, and what was damaged or set back is found
//! (docs/storage.md, "What vouches for what").

use e2ee_state::StoreError;

use super::{
    person::{Person, Store, group, pair, settle, text},
    *,
};
use crate::{chat::Chat, envelope::MAX_BODY_LEN, exchange::Offer, limits::REKEY_MS};

mod records;

const CORRUPTION: Failure = Failure::Store(StoreError::Corruption);
const ROLLBACK: Failure = Failure::Store(StoreError::Rollback);

fn row(prefix: &str, person: &Person, place: usize) -> String {
    person.store.names(prefix)[place].clone()
}

/// Puts rows back as they were in an older copy.
fn set_back(person: &mut Person, older: &Store, prefix: &str) {
    for name in older.names(prefix) {
        person.store.0.insert(name.clone(), older.0[&name].clone());
    }
}

#[test]
fn messages_and_the_next_key_survive_each_restart() {
    let mut people = pair();
    let before = people[0].agreed().fingerprint;
    let id = people[0].id;

    let leaving = people[0].step(|chats, inside| chats.change_key(id, inside)).unwrap();
    let mut mail = vec![(1, leaving)];
    while let Some((to, leaving)) = mail.pop() {
        for message in leaving {
            people[to].reopen();
            mail.push((1 - to, people[to].receive(&message).unwrap().outgoing));
        }
    }
    let text_to_bob = people[0].encrypt(&text(1)).unwrap();
    settle(&mut people, [vec![], text_to_bob]);

    let [ours, theirs] = people.each_mut().map(|person| person.agreed().fingerprint);
    assert_eq!(ours, theirs);
    assert_ne!(before, ours);
    assert_eq!(vec![text(1)], people[1].opened());
}

#[test]
fn what_is_refused_leaves_store_and_chat_as_they_were() {
    let [mut ours, mut theirs] = pair();
    let (seen, next) = (ours.say(1), ours.say(2));
    theirs.receive(&seen).unwrap();
    let mut forged = next.wire.clone();
    *forged.last_mut().unwrap() ^= 1;
    let mut foreign = next.wire.clone();
    foreign[0] ^= 1;

    assert_eq!(Failure::from(Error::Duplicate), theirs.refuses(&seen.wire));
    assert_eq!(Failure::from(Error::Forged), theirs.refuses(&forged));
    assert_eq!(Failure::from(Error::NotForChat), theirs.refuses(&foreign));
    assert_eq!(Failure::from(Error::Forged), ours.refuses(&next.wire));

    theirs.receive(&next).unwrap();
    assert_eq!(vec![text(1), text(2)], theirs.opened());
}

#[test]
fn a_message_that_could_not_be_saved_is_made_again() {
    let [mut ours, mut theirs] = pair();
    let Person { id, chats, store, random, now_ms } = &mut ours;
    let mut inside = Environment { records: store, random, now_ms: *now_ms };
    let lost = chats.encrypt(*id, &text(1), &mut inside).unwrap();
    chats.vault().ended(&lost.result);

    let message = ours.say(2);
    theirs.receive(&message).unwrap();

    assert_eq!(vec![text(2)], theirs.opened());
}

#[test]
fn a_missing_message_of_ours_is_a_damaged_store() {
    let [mut ours, mut theirs] = pair();
    let first = ours.say(1);
    let place = ours.store.names("chat-sent/").len() - 1;
    let name = row("chat-sent/", &ours, place);
    ours.store.0.remove(&name);
    theirs.receive(&first).unwrap();
    let acknowledges = theirs.say(2);

    let unposted = ours.chats.unposted(ours.id, &mut ours.store).err();

    assert_eq!(Some(CORRUPTION), unposted);
    assert_eq!(CORRUPTION, ours.refuses(&acknowledges.wire));
}

#[test]
fn a_message_of_ours_that_is_missing_cannot_be_sent_again_or_deleted() {
    let [mut ours, mut theirs] = pair();
    ours.say(1);
    let second = ours.say(2);
    let [request] = theirs.receive(&second).unwrap().outgoing.try_into().unwrap();
    let name = row("chat-sent/", &ours, ours.store.names("chat-sent/").len() - 2);
    ours.store.0.remove(&name);
    let id = ours.id;

    assert_eq!(CORRUPTION, ours.refuses(&request.wire));
    let deleted = ours.step(|chats, inside| chats.delete_messages(id, &[1], inside));
    assert_eq!(Some(CORRUPTION), deleted.err());
}

#[test]
fn a_missing_message_that_waits_is_a_damaged_store() {
    let [mut ours, mut theirs] = pair();
    let [first, second] = [ours.say(1), ours.say(2)];
    theirs.receive(&second).unwrap();
    let name = row("chat-waiting/", &theirs, 0);
    let kept = theirs.store.0.remove(&name).unwrap();

    assert_eq!(CORRUPTION, theirs.refuses(&first.wire));

    theirs.store.0.insert(name, kept);
    theirs.receive(&first).unwrap();
    assert_eq!(vec![text(1), text(2)], theirs.opened());
    assert!(theirs.store.names("chat-waiting/").is_empty());
}

#[test]
fn rows_that_have_changed_places_are_a_damaged_store() {
    let [mut ours, mut theirs] = pair();
    let messages = [1, 2, 3].map(|number| ours.say(number));
    theirs.receive(&messages[1]).unwrap();
    theirs.receive(&messages[2]).unwrap();

    let swap = |person: &mut Person, prefix: &str| {
        let names = person.store.names(prefix);
        let [.., first, second] = &names[..] else { panic!("too few rows") };
        let [before, after] = [first, second].map(|name| person.store.0[name].clone());
        person.store.0.insert(first.clone(), after);
        person.store.0.insert(second.clone(), before);
    };
    swap(&mut ours, "chat-sent/");
    swap(&mut theirs, "chat-waiting/");

    assert_eq!(Some(CORRUPTION), ours.chats.unposted(ours.id, &mut ours.store).err());
    assert_eq!(CORRUPTION, theirs.refuses(&messages[0].wire));
}

#[test]
fn a_row_of_another_number_is_a_damaged_store() {
    let [mut ours, _] = pair();
    ours.say(1);
    ours.say(2);
    let names = ours.store.names("chat-sent/");
    let [.., first, second] = &names[..] else { panic!("too few rows") };
    let (revision, row) = ours.store.0[second].clone();
    let sealer = ours.chats.vault.sealer();
    let content = sealer.open(second, revision, &row).unwrap();
    let under_first = sealer.seal(first, revision, content.expose(), &mut ours.random).unwrap();

    ours.store.0.insert(first.clone(), (revision, under_first));

    assert_eq!(Some(CORRUPTION), ours.chats.unposted(ours.id, &mut ours.store).err());
}

#[test]
fn a_state_that_was_set_back_is_found_by_the_process_that_knows_better() {
    let [mut ours, mut theirs] = pair();
    let older = ours.store.clone();
    let first = ours.say(1);
    theirs.receive(&first).unwrap();
    let answer = theirs.say(2);
    set_back(&mut ours, &older, layout::STATE_PREFIX);

    assert_eq!(Some(ROLLBACK), ours.encrypt(&text(3)).err());
    assert_eq!(ROLLBACK, ours.refuses(&answer.wire));
    assert_eq!(Some(ROLLBACK), ours.chats.unposted(ours.id, &mut ours.store).err());
}

#[test]
fn another_state_of_the_same_revision_is_found() {
    let [mut ours, _] = pair();
    let older = ours.store.clone();
    ours.say(1);
    let name = layout::state(ours.id);
    let (before, after) = (older.0[&name].clone(), ours.store.0[&name].clone());
    let opened = ours.chats.vault.sealer().open(&name, before.0, &before.1).unwrap();
    let sealer = ours.chats.vault.sealer();
    let other = sealer.seal(&name, after.0, opened.expose(), &mut ours.random).unwrap();

    ours.store.0.insert(name, (after.0, other));

    assert_eq!(Some(ROLLBACK), ours.encrypt(&text(2)).err());
}

#[test]
fn a_deleted_message_that_was_put_back_is_a_damaged_store() {
    let [mut ours, mut theirs] = pair();
    let lost = ours.say(1);
    let older = ours.store.clone();
    let id = ours.id;
    let delete = |chats: &mut SecretChats, inside: &mut Environment<'_>| {
        chats.delete_messages(id, &[lost.random_id], inside)
    };
    let [replacement, deletion] = ours.step(delete).unwrap().try_into().unwrap();
    assert_eq!((lost.number, lost.number + 1), (replacement.number, deletion.number));
    let [request] = theirs.receive(&deletion).unwrap().outgoing.try_into().unwrap();
    let whole = ours.store.clone();

    set_back(&mut ours, &older, "chat-sent/");
    assert_eq!(CORRUPTION, ours.refuses(&request.wire));

    ours.store = whole;
    let again = ours.receive(&request).unwrap().outgoing;
    assert_eq!(vec![replacement], again);
}

#[test]
fn what_was_deleted_asked_for_and_acknowledged_meanwhile_damages_no_store() {
    let [mut ours, mut theirs] = pair();
    let lost = ours.say(1);
    let id = ours.id;
    let delete = |chats: &mut SecretChats, inside: &mut Environment<'_>| {
        chats.delete_messages(id, &[lost.random_id], inside)
    };
    let [replacement, deletion] = ours.step(delete).unwrap().try_into().unwrap();
    let [request] = theirs.receive(&deletion).unwrap().outgoing.try_into().unwrap();
    theirs.receive(&replacement).unwrap();
    let behind = theirs.say(2);

    ours.receive(&behind).unwrap();
    let reception = ours.receive(&request).unwrap();

    assert_eq!((1, vec![]), (reception.messages.len(), reception.outgoing));
}

#[test]
fn a_closed_chat_leaves_no_row_but_those_of_the_inbox() {
    let [mut ours, mut theirs] = pair();
    let messages = [1, 2, 3].map(|number| ours.say(number));
    theirs.receive(&messages[0]).unwrap();
    theirs.receive(&messages[2]).unwrap();
    theirs.say(4);
    assert!(theirs.store.names("chat").len() >= 4);
    let id = theirs.id;

    theirs.step(|chats, inside| chats.close(id, inside)).unwrap();

    assert_eq!(vec![text(1)], theirs.opened());
    let inbox = theirs.store.names("inbox/");
    theirs.store.0.retain(|name, _| !inbox.contains(name));
    assert_eq!(["identity", "index", "prekeys", "store"], theirs.store.names("")[..]);
    let again = theirs.step(|chats, inside| chats.close(id, inside));
    assert_eq!(Some(Failure::from(Error::NoSession)), again.err());
}

#[test]
fn a_key_that_was_used_is_changed_after_seven_days() {
    for (days_ms, expected) in [(REKEY_MS - 1, 1), (REKEY_MS, 2)] {
        let mut people = pair();
        for person in &mut people {
            person.now_ms += days_ms;
        }

        let leaving = people[0].encrypt(&text(1)).unwrap();

        assert_eq!(expected, leaving.len());
        settle(&mut people, [vec![], leaving]);
    }
}

#[test]
fn the_one_who_listens_changes_an_old_key_too() {
    let [mut ours, mut theirs] = pair();
    let message = ours.say(1);
    theirs.now_ms += REKEY_MS;

    let reception = theirs.receive(&message).unwrap();

    assert_eq!(1, reception.outgoing.len());
    let answer = ours.receive(&reception.outgoing[0]).unwrap();
    assert_eq!(1, answer.outgoing.len(), "it was a request for the next key");
}

#[test]
fn no_key_of_a_chat_that_is_used_is_older_than_seven_days() {
    let mut people = pair();
    let (mut key, mut since_ms) = (people[0].agreed().fingerprint, people[0].now_ms);
    let mut changes = 0;
    for number in 0_u32..60 {
        let later_ms = u64::from(number.wrapping_mul(2_654_435_761)) % (REKEY_MS / 2);
        for person in &mut people {
            person.now_ms += later_ms;
        }
        let speaker = usize::from(number % 3 == 0);
        let leaving = people[speaker].encrypt(&text(number)).unwrap();
        let mut mail = [vec![], vec![]];
        mail[1 - speaker] = leaving;
        settle(&mut people, mail);

        let now = people[0].agreed().fingerprint;
        assert_eq!(now, people[1].agreed().fingerprint);
        if now != key {
            (key, since_ms, changes) = (now, people[0].now_ms, changes + 1);
        }
        assert!(people[0].now_ms - since_ms < REKEY_MS, "message {number}");
    }
    assert!(changes > 5, "{changes}");
}
