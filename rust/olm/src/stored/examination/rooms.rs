// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rooms in a report: whose keys we have, and who lacks ours (docs/storage.md, "Doctor").

use std::collections::BTreeMap;

use e2ee_account::{
    Peer,
    examination::{ChainsState, Fault, GroupState, RecordKind, Walk},
    names as account_names,
};
use e2ee_primitives::x25519;

use crate::limits::MAX_ARCHIVED_SESSIONS;

use super::{
    super::{
        DeviceId, DeviceKeys, RoomId,
        rooms::{SeenRoom, is_key, is_read, is_room, is_sending, names, see_key},
    },
    Examined,
};

/// The keys of a room, by senders: how many there are of each.
type Keys = BTreeMap<RoomId, BTreeMap<[u8; 32], usize>>;

pub(super) fn kind_of(name: &str) -> Option<RecordKind> {
    match name.split_once('/')?.0 {
        "room" => Some(RecordKind::Group),
        "room-sending" => Some(RecordKind::OwnChain),
        "room-key" => Some(RecordKind::ReceivedKey),
        "room-read" => Some(RecordKind::ChainsPart),
        _ => None,
    }
}

pub(super) fn is_of_format(kind: RecordKind, content: &[u8]) -> bool {
    match kind {
        RecordKind::Group => is_room(content),
        RecordKind::OwnChain => is_sending(content),
        RecordKind::ReceivedKey => is_key(content),
        RecordKind::ChainsPart => is_read(content),
        _ => false,
    }
}

/// What comes and goes with a member.
pub(super) fn dependents_of(member: &str) -> Option<String> {
    let of_room = member.strip_prefix(names::ROOM_PREFIX);
    let of_key = member.starts_with(names::ROOM_KEY_PREFIX).then(|| names::read(member));
    of_room.map(|room| format!("{}{room}", names::SENDING_PREFIX)).or(of_key)
}

pub(super) fn groups(walk: &mut Walk<'_, Examined>) -> Vec<GroupState> {
    let peers = peers(walk);
    let mut rooms = Vec::new();
    for name in walk.whole(RecordKind::Group) {
        let vault = &mut walk.examiner.vault;
        let Some(seen) = SeenRoom::of(&name, vault, walk.records) else { continue };
        let label = walk.labels.group(seen.id().as_str());
        walk.labels.name_record(&name, label.clone());
        rooms.push((label, seen));
    }
    let mut keys = received(walk);
    rooms.into_iter().map(|(label, seen)| room(walk, label, &seen, (&mut keys, &peers))).collect()
}

fn room(
    walk: &mut Walk<'_, Examined>,
    label: String,
    seen: &SeenRoom,
    (keys, peers): (&mut Keys, &BTreeMap<[u8; 32], (String, DeviceId)>),
) -> GroupState {
    let is_whole = walk.vouch(&names::sending(seen.id()), format!("our key for {label}"));
    if is_whole && seen.sent.is_none() {
        walk.find(Fault::Mismatch, &label);
    }
    let mut senders = Vec::new();
    for (sender, chains) in keys.remove(seen.id()).unwrap_or_default() {
        let known = peers.get(&sender);
        let heard = known.is_none_or(|(user, device)| seen.hears((user, device)));
        let label = known.map_or_else(
            || "a device that is not known".to_owned(),
            |(user, device)| walk.labels.peer((user, device)),
        );
        senders.push(ChainsState { label, heard, chains: Some(chains) });
    }
    let pending = seen.pending().map(|(user, device)| walk.labels.peer((user, device)));
    let pending: Vec<String> = pending.collect();
    if !pending.is_empty() {
        walk.find(Fault::InvitationsPending, &label);
    }
    GroupState { label, members: seen.members(), pending, sent: seen.sent, senders }
}

/// All keys that open, whether their rooms are known or not.
fn received(walk: &mut Walk<'_, Examined>) -> Keys {
    let mut keys = Keys::new();
    for (number, name) in (1_usize..).zip(walk.whole(RecordKind::ReceivedKey)) {
        let label = format!("received key {number}");
        walk.labels.name_record(&name, label.clone());
        let is_whole = walk.vouch(&names::read(&name), format!("what opened under {label}"));
        match see_key(&name, &mut walk.examiner.vault, walk.records) {
            Some((room, sender)) => {
                let count = keys.entry(room).or_default().entry(*sender.as_bytes()).or_default();
                *count = count.saturating_add(1);
            }
            None if is_whole => walk.find(Fault::Mismatch, &label),
            None => {}
        }
    }
    keys
}

/// The known devices, by the keys that agree.
fn peers(walk: &mut Walk<'_, Examined>) -> BTreeMap<[u8; 32], (String, DeviceId)> {
    let mut peers = BTreeMap::new();
    for name in walk.whole(RecordKind::Peer) {
        let Ok((user, device)) = account_names::peer_of::<DeviceId>(&name) else { continue };
        let Some(opened) = walk.open(&name) else { continue };
        if let Ok(peer) = Peer::<DeviceKeys>::decode(opened.expose(), MAX_ARCHIVED_SESSIONS) {
            let key: x25519::PublicKey = peer.identity.identity_key;
            peers.insert(*key.as_bytes(), (user.to_owned(), device));
        }
    }
    peers
}
