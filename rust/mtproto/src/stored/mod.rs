// SPDX-License-Identifier: MIT OR Apache-2.0
//! Secret chats over a store: each a record of who it is with, a state that every message changes,
//! and the messages that are kept beside it (mtproto_secret_chats.md §1, §5 and §6; docs/storage.md,
//! "Steps").
//!
//! Every method works inside one transaction of a store, which it only reads; what it would change
//! comes back as a [`Step`].

mod agreeing;
mod examination;
mod heal;
mod layout;
mod loading;
#[cfg(test)]
mod person;
mod receiving;
mod record;
mod sending;

use e2ee_account::{
    Environment, Learnt, Outcome, Unlocked, Vault, draft::Draft, names, rekey::Rekeying,
};
use e2ee_primitives::Random;
use e2ee_state::{Failure, Records, Step, StoreSecret, Write};
use e2ee_wire::Error;

use crate::{
    limits::{FIRST_LAYER, NEWEST_LAYER},
    picture::KeyPicture,
    role::Role,
};

use record::{Owner, Phase};

pub use agreeing::{Accepted, Offered};
pub use examination::{SeenChat, SeenCounts, examine, is_of_chats};
pub use layout::{ChatId, Mtproto, OfLayer};
pub use receiving::{InboxEntry, Reception};
pub use record::IDENTITY_VERSION;
pub use sending::Outgoing;

/// The chats of a store, as one process knows them.
#[derive(Debug)]
pub struct SecretChats {
    vault: Vault<Mtproto>,
    owner: Owner,
}

/// What there is to say of a chat.
#[derive(Debug)]
pub struct ChatState {
    /// The number.
    pub id: ChatId,
    /// The other end's name.
    pub peer: String,
    /// What both ends have agreed on; `None` until the other end has answered.
    pub agreed: Option<Agreed>,
}

/// What both ends of a chat have agreed on.
#[derive(Debug)]
pub struct Agreed {
    /// Whether we have created it.
    pub role: Role,
    /// To compare with the other end's.
    pub picture: KeyPicture,
    /// The fingerprint of the key under which we send.
    pub fingerprint: i64,
    /// The layer of messages that leave.
    pub layer: i32,
    /// The layer that the other end speaks.
    pub their_layer: i32,
    /// Messages that we have made.
    pub sent: u32,
    /// Messages of ours that the other end has said to have.
    pub acknowledged: u32,
    /// Messages of the other end that came, in order.
    pub received: u32,
    /// Whether later ones wait for one that is missing.
    pub is_missing_any: bool,
}

impl SecretChats {
    /// Makes an empty store one of `user`'s chats, which name at most this layer.
    ///
    /// [`Error::InvalidArgument`] for a layer out of 73 to 144; see also [`Vault::create`].
    pub fn create(
        secret: &StoreSecret,
        (user, layer): (&str, i32),
        environment: &mut Environment<'_>,
    ) -> Result<Step<Self>, Failure> {
        if !(FIRST_LAYER..=NEWEST_LAYER).contains(&layer) {
            return Err(Error::InvalidArgument.into());
        }
        let owner = Owner { user: user.to_owned(), layer };
        let first = |_: &mut dyn Random| Ok(([owner.encode(), record::no_prekeys()], ()));
        let Step { writes, result } = Vault::create(secret, user, environment, first)?;
        let (vault, ()) = result;
        Ok(Step { writes, result: Self { vault, owner } })
    }

    /// Opens the chats of a store, and checks all that its index vouches for.
    ///
    /// [`Error::InvalidArgument`] if it holds an account of another protocol.
    pub fn open(secret: &StoreSecret, records: &mut dyn Records) -> Result<Self, Failure> {
        Self::open_unlocked(Unlocked::open(secret, records)?, records)
    }

    /// The same of a store whose key is known to fit.
    pub fn open_unlocked(store: Unlocked, records: &mut dyn Records) -> Result<Self, Failure> {
        if store.version() != Some(IDENTITY_VERSION) {
            return Err(Error::InvalidArgument.into());
        }
        let owner = Owner::decode(store.identity())?;
        let mut chats = Self { vault: store.into_vault(), owner };
        chats.vault.refresh(records)?;
        Ok(chats)
    }

    /// The records: what steps are committed with, the inbox, and the store's anchor.
    pub const fn vault(&mut self) -> &mut Vault<Mtproto> {
        &mut self.vault
    }

    /// Whose chats they are.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.owner.user
    }

    /// The next writes of a change of the store's key; see [`Vault::rekey_next`].
    pub fn rekey_next(
        &mut self,
        change: &mut Rekeying,
        environment: &mut Environment<'_>,
    ) -> Result<Vec<Write>, Failure> {
        self.vault.rekey_next(change, || self.owner.encode(), environment)
    }

    /// All chats, in the order of their numbers.
    pub fn chats(&mut self, records: &mut dyn Records) -> Result<Vec<ChatState>, Failure> {
        self.vault.refresh(records)?;
        let mut found = Vec::new();
        for id in self.ids()? {
            found.push(self.state_of(id, records)?);
        }
        Ok(found)
    }

    /// One chat; [`Error::NoSession`] if there is none of this number.
    pub fn chat(&mut self, id: ChatId, records: &mut dyn Records) -> Result<ChatState, Failure> {
        self.vault.refresh(records)?;
        self.state_of(id, records)
    }

    /// Forgets a chat with all that was kept of it, except for what waits in the inbox.
    pub fn close(
        &mut self,
        id: ChatId,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        self.vault.refresh(environment.records)?;
        let (mut index, mut learnt) = (self.vault.index(), Learnt::default());
        let kept = self.kept_of(id, environment.records)?;
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        self.delete(&kept, &mut index, (&mut draft, &mut learnt))?;
        self.vault.put_index(index, &mut draft, &mut learnt)?;
        self.vault.drafted((draft.finish(), learnt), (), environment)
    }

    fn state_of(&mut self, id: ChatId, records: &mut dyn Records) -> Result<ChatState, Failure> {
        let (_, record) = self.record(id, records)?;
        let peer = record.peer.clone();
        let Phase::Ready(picture) = record.phase else {
            return Ok(ChatState { id, peer, agreed: None });
        };
        let (_, chat) = self.state(&self.state_sealer(id), records)?;
        let counts = chat.counts();
        let agreed = Some(Agreed {
            role: chat.role,
            picture,
            fingerprint: chat.fingerprint(),
            layer: chat.layer(),
            their_layer: chat.their_layer(),
            sent: counts.sent,
            acknowledged: counts.acknowledged,
            received: counts.received,
            is_missing_any: chat.is_missing_any(),
        });
        Ok(ChatState { id, peer, agreed })
    }

    fn ids(&self) -> Result<Vec<ChatId>, Error> {
        let members = self.vault.members().map(|(name, _)| layout::id_of(name));
        let mut ids = members.collect::<Result<Vec<_>, _>>()?;
        ids.sort_unstable();
        Ok(ids)
    }

    fn check_peer(peer: &str) -> Result<(), Error> {
        names::check_user(peer)
    }
}

#[cfg(test)]
mod tests;
