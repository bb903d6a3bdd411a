// SPDX-License-Identifier: MIT OR Apache-2.0
//! The records that only this protocol's accounts have, and the contents that it alone knows
//! (docs/formats.md, "Record names").

use e2ee_account::examination::RecordKind;
use e2ee_primitives::Secret;

use crate::{
    PreKeyStock,
    account::{groups, identity::Identity, names, repair},
    parts::Revisions,
    sender_keys::SenderKey,
};

/// Bytes of the identity key in the head of a sender's keys.
const IDENTITY_KEY_LEN: usize = 32;

pub(super) fn kind_of(name: &str) -> Option<RecordKind> {
    let last = name.rsplit('/').next().unwrap_or_default();
    match name.split_once('/')?.0 {
        "group" => Some(RecordKind::Group),
        "chain" if last == "sending" => Some(RecordKind::OwnChain),
        "chain" if last.parse::<u8>().is_ok() => Some(RecordKind::Chains),
        "chain" => Some(RecordKind::ChainsPart),
        "repair" => Some(RecordKind::Repair),
        _ => None,
    }
}

pub(super) fn before_version(kind: RecordKind, name: &str, content: &[u8]) -> usize {
    let revisions = 8 * names::parts_of(name);
    match kind {
        RecordKind::Session if matches!(Revisions::decode(content), Ok(Some(_))) => 0,
        RecordKind::Chains => revisions + IDENTITY_KEY_LEN,
        _ => revisions,
    }
}

pub(super) fn is_of_format(kind: RecordKind, name: &str, content: &[u8]) -> bool {
    match kind {
        RecordKind::Identity => Identity::decode(content, || Secret::new([0; 32])).is_ok(),
        RecordKind::PreKeys => PreKeyStock::decode(content).is_ok(),
        RecordKind::Group => names::group_of(name).is_ok() && groups::is_group(content),
        RecordKind::OwnChain => SenderKey::decode(content).is_ok(),
        RecordKind::Repair => repair::is_log(content),
        // Others are read together with the records that they belong to.
        _ => true,
    }
}
