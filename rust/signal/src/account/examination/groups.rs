// SPDX-License-Identifier: MIT OR Apache-2.0
//! Groups in a report: whose keys we have, and who lacks ours (docs/storage.md, "Doctor").

use e2ee_account::examination::{ChainsState, Fault, GroupState, RecordKind, Walk};

use crate::account::{GroupId, groups::SeenGroup, hex, names};

use super::Examined;

pub(super) fn groups(walk: &mut Walk<'_, Examined>) -> Vec<GroupState> {
    let mut groups = Vec::new();
    for name in walk.whole(RecordKind::Group) {
        let Ok(id) = names::group_of(&name) else { continue };
        let label = walk.labels.group(&hex(&id));
        walk.labels.name_record(&name, label.clone());
        if let Some(seen) = walk.examiner.account.see_group(&id, walk.records) {
            groups.push(group(walk, label, &id, seen));
        }
    }
    groups
}

fn group(
    walk: &mut Walk<'_, Examined>,
    label: String,
    id: &GroupId,
    seen: SeenGroup,
) -> GroupState {
    let is_whole = walk.vouch(&names::own_chain(id), format!("our key for {label}"));
    if is_whole && seen.sent.is_none() {
        walk.find(Fault::Mismatch, &label);
    }
    let mut senders = Vec::new();
    for sender in seen.senders {
        let peer = walk.labels.peer((&sender.device.0, &sender.device.1));
        let head = names::received_chains(id, &sender.device);
        let mut is_whole = walk.vouch(&head, format!("keys of {peer} for {label}"));
        let part = format!("late keys of {peer} for {label}");
        is_whole &= walk.vouch(&names::skipped(&head), part);
        if is_whole && sender.chains.is_none() {
            walk.find(Fault::Mismatch, &format!("keys of {peer} for {label}"));
        }
        senders.push(ChainsState { label: peer, heard: sender.heard, chains: sender.chains });
    }
    let pending = seen.pending.iter().map(|(user, device)| walk.labels.peer((user, device)));
    let pending: Vec<String> = pending.collect();
    if !pending.is_empty() {
        walk.find(Fault::InvitationsPending, &label);
    }
    GroupState { label, members: seen.members, pending, sent: seen.sent, senders }
}
