// SPDX-License-Identifier: MIT OR Apache-2.0
//! What one protocol says of the records of its accounts (docs/storage.md, "What vouches for
//! what").

use e2ee_primitives::{secret::SecretBytes, x25519};
use e2ee_state::{Failure, Records};
use e2ee_wire::{Error, record::RecordReader};

use crate::{
    draft::Draft, outcome::Learnt, peer::SessionId, saved::Saved, session_list::Listed,
    vault::Vault,
};

/// A protocol, as what keeps its accounts asks of it.
pub trait Protocol {
    /// A device of a user.
    type Device: Device;
    /// What a message is.
    type Content: Content;
    /// What is trusted of a peer.
    type Identity: Identity;
    /// What the ends of a session are called.
    type Parties;
    /// A session with a peer.
    type Session: StoredSession;

    /// What the names of the records begin with for which the root record vouches.
    const MEMBERS: &'static [&'static str];

    /// The member to which a row belongs so closely that its revisions begin anew with it.
    fn member_of(name: &str) -> Option<String>;

    /// The content of a record after the revisions in it have grown by one; `None` if there are
    /// none in it.
    fn advanced(name: &str, content: &SecretBytes) -> Result<Option<SecretBytes>, Error>;
}

/// A device of a user, as records name it.
pub trait Device: Clone + PartialEq {
    /// The most bytes of its name.
    const MAX_NAME_LEN: usize;

    /// Appends the name, which holds no `/`.
    fn push_name(&self, text: &mut String);

    /// The device of this name; [`Error::CorruptState`] if there is none.
    fn of_name(name: &str) -> Result<Self, Error>;

    /// Appends it as records hold it.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads it back.
    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error>;
}

/// What an opened message is, as the inbox keeps it.
pub trait Content: Sized {
    /// A message of the application's to this device alone: so are all in entries of version 1.
    const DIRECT: Self;

    /// Appends it as records hold it.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads it back.
    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error>;
}

/// The public keys by which a peer is known.
pub trait Identity: Clone + PartialEq {
    /// Appends them as records hold them.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads them back.
    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error>;
}

impl Identity for x25519::PublicKey {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }

    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        Ok(Self::new(*reader.array()?))
    }
}

/// A session of several records: a head, which vouches for the others.
pub trait StoredSession: Listed + Sized {
    /// What is known of the others, of a session that is not in the store yet by default.
    type Parts: Default;

    /// What names it.
    fn id(&self) -> SessionId;

    /// Whether the next message that is sent changes the head alone.
    fn sends_in_place(&self) -> bool;

    /// Reads the session whose head is in the record `name`; some of it may be left for
    /// [`StoredSession::fill_from`].
    fn load<P: Protocol>(
        name: &str,
        id: &SessionId,
        vault: &mut Vault<P>,
        records: &mut dyn Records,
    ) -> Result<(Self, Saved<Self::Parts>), Failure>;

    /// Reads what was left in the store.
    fn fill_from<P: Protocol>(
        &mut self,
        saved: &mut Saved<Self::Parts>,
        vault: &Vault<P>,
        records: &mut dyn Records,
    ) -> Result<(), Failure>;

    /// [`StoreError::Corruption`](e2ee_state::StoreError::Corruption) if a part that the session
    /// has now, and had not when it was loaded, is in the store all the same: an older copy that
    /// was put back.
    fn check_absent(
        &self,
        saved: &Saved<Self::Parts>,
        records: &mut dyn Records,
    ) -> Result<(), Failure>;

    /// Adds the parts that changed to the draft, all of a session that is new, and the message keys
    /// that it spends. Returns how the session stands in the store then.
    fn save(
        &self,
        saved: Saved<Self::Parts>,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<Saved<Self::Parts>, Failure>;

    /// Deletes all records of a session, of which nothing was left in the store.
    fn delete(
        saved: &Saved<Self::Parts>,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure>;

    /// Whether the session can go on from there without being read again.
    fn is_whole(parts: &Self::Parts) -> bool;
}
