// SPDX-License-Identifier: MIT OR Apache-2.0
//! What one protocol says of its own records when its store is examined (docs/storage.md,
//! "Doctor").

use crate::{protocol::Protocol, vault::Vault};

use super::{Fault, GroupState, OpenedSession, RecordKind, Walk};

/// A session of the protocol's.
type SessionOf<E> = <<E as Examiner>::Protocol as Protocol>::Session;

/// What is known of an account that is examined: the records are taken as they are.
pub trait Examiner: Sized {
    /// Its protocol.
    type Protocol: Protocol;
    /// What only this protocol has, in numbers: keys that others begin sessions with, for instance.
    type Stock;

    /// The records.
    fn vault(&mut self) -> &mut Vault<Self::Protocol>;

    /// What a name says that its record is which not every account has.
    fn kind_of(name: &str) -> Option<RecordKind>;

    /// How many bytes of revisions and keys stand before the version of a record's content.
    fn before_version(kind: RecordKind, name: &str, content: &[u8]) -> usize;

    /// Whether the identity, the prekeys, or a record that not every account has is of its format,
    /// as far as it can be told from this record alone.
    fn is_of_format(kind: RecordKind, name: &str, content: &[u8]) -> bool;

    /// Takes the content of the identity record, which is the account's own from then on.
    fn take_identity(&mut self, content: &[u8]);

    /// What only this protocol has, with the content of the prekeys if that opens; what is wrong
    /// with it is noted on the way.
    fn stock(walk: &mut Walk<'_, Self>, prekeys: Option<&[u8]>) -> Option<Self::Stock>;

    /// The parts that a session's head names.
    fn parts_of(head: &str, content: &[u8]) -> Vec<String>;

    /// What the names of those parts begin with that the head only counts.
    fn counted_parts(head: &str, session: &SessionOf<Self>) -> Option<String>;

    /// Whether a session is under this account's identity, as far as that is known.
    fn is_ours(&self, session: &SessionOf<Self>) -> bool;

    /// Whether a session still sends at a time in milliseconds since the Unix epoch, although
    /// nobody may have answered.
    fn is_fresh(session: &SessionOf<Self>, now_ms: u64) -> bool;

    /// How far a session has come, `trusted` or not; and what its owner should know.
    fn opened(
        session: &SessionOf<Self>,
        trusted: bool,
        now_ms: u64,
    ) -> (OpenedSession, Option<Fault>);

    /// What the names of records begin with that belong to a member other than a peer.
    fn dependents_of(member: &str) -> Option<String>;

    /// The groups.
    fn groups(walk: &mut Walk<'_, Self>) -> Vec<GroupState>;
}
