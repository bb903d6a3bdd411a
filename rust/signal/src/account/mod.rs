// SPDX-License-Identifier: MIT OR Apache-2.0
//! An account: an identity, its prekeys, its peers, their sessions and groups, in sealed records
//! (docs/storage.md, "Steps" and "What vouches for what").
//!
//! Every method works inside one transaction of a store, which it only reads. What it would
//! change comes back as a [`Step`]: the store writes it, commits, and only then gives it to
//! [`Account::committed`] in exchange for the result.

mod batch;
mod content;
mod examination;
mod exchange;
mod groups;
mod heal;
mod identity;
mod importing;
mod layout;
mod names;
mod parts;
#[cfg(test)]
mod person;
mod prekeys;
mod receive;
mod repair;
mod sealed;
mod send;
mod trust;
mod waiting;

use e2ee_account::{
    Unlocked, anchoring, draft, inbox, index, ledger, outbox, outcome, peer, protocol, rekey, vault,
};
use e2ee_primitives::{random::Random, x25519};
use e2ee_state::{Failure, Records, Step, StoreError, StoreSecret, Write};
use e2ee_wire::Error;

use crate::{Address, DeviceId, PreKeyStock, dialect::Signal, session::OurIdentity};

use draft::Draft;
use identity::Identity;
use index::Index;
use ledger::Ledger;
use outcome::Learnt;
use vault::Vault;

pub use anchoring::Confirmation;
pub use batch::{Placed, Refused, Workers};
pub use content::{Content, GroupId};
pub use e2ee_account::Exchange;
pub use examination::examine;
pub use groups::{GroupChange, Invitation, Member, SealedToGroup};
pub use heal::Healed;
pub(crate) use names::hex;
pub(crate) use names::protocol_address;
pub use names::{check_user, service_id};
pub use outcome::{Environment, Outcome};
pub use receive::{Incoming, Opened};
pub use rekey::Rekeying;
pub use repair::{MAX_PER_HOUR, MAX_PER_MESSAGE};
pub use sealed::{OpenedFrom, SealedIncoming, Unsealed};
pub use trust::Contact;

/// A peer's record.
type Peer = e2ee_account::Peer<x25519::PublicKey>;
/// A peer with its sessions.
type LoadedPeer = e2ee_account::LoadedPeer<Signal>;

/// A message in the inbox.
pub type InboxEntry = inbox::InboxEntry<DeviceId, Content>;
/// What became of an envelope.
pub type Delivery = inbox::Delivery<DeviceId, Content>;
/// An envelope that waits for its carrier.
pub type OutboxEntry = outbox::OutboxEntry<DeviceId>;

/// An account, as one process knows it.
#[derive(Debug)]
pub struct Account {
    vault: Vault<Signal>,
    ledger: Ledger,
    identity: Identity,
}

impl Account {
    /// Makes an account for `user` in an empty store.
    ///
    /// [`StoreError::AlreadyExists`] if the store holds one, [`StoreError::WrongAnchor`] if its
    /// anchor holds anything.
    pub fn create(
        secret: &StoreSecret,
        user: &str,
        device: DeviceId,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Self>, Failure> {
        let now_ms = environment.now_ms;
        let first = |random: &mut dyn Random| {
            let identity = Identity::generate(user, device, random)?;
            let stock = PreKeyStock::generate(identity.key(), now_ms, random)?;
            Ok(([identity.encode(), draft::encoded(|out| stock.encode(out))], identity))
        };
        let Step { writes, result } = Vault::create(secret, user, environment, first)?;
        let (vault, identity) = result;
        Ok(Step { writes, result: Self::new(vault, identity) })
    }

    /// Opens the account of a store, and checks all that its index vouches for.
    pub fn open(secret: &StoreSecret, records: &mut dyn Records) -> Result<Self, Failure> {
        Self::open_unlocked(Unlocked::open(secret, records)?, records)
    }

    /// The same of a store whose identity record was opened before.
    pub fn open_unlocked(store: Unlocked, records: &mut dyn Records) -> Result<Self, Failure> {
        let derived = || store.sealer().hash_secret("ledger");
        let identity = Identity::decode(store.identity(), derived)?;
        let mut account = Self::new(store.into_vault(), identity);
        account.vault.refresh(records)?;
        Ok(account)
    }

    /// An account that knows no row of its index yet.
    fn new(vault: Vault<Signal>, identity: Identity) -> Self {
        Self { vault, ledger: Ledger::new(identity.ledger_hash()), identity }
    }

    /// The records: what the steps of every protocol's accounts are committed with.
    pub const fn vault(&mut self) -> &mut Vault<Signal> {
        &mut self.vault
    }

    /// Takes note that a step is durable, and returns its result, which may leave.
    pub fn committed<T>(&mut self, outcome: Outcome<T>, confirmation: &Confirmation) -> T {
        self.vault.committed(outcome, confirmation)
    }

    /// Takes note that the transaction of `outcome`'s step has ended, and that it was undone or
    /// nobody knows: whoever finds its rows from now on finds them durable.
    pub fn ended<T>(&mut self, outcome: &Outcome<T>) {
        self.vault.ended(outcome);
    }

    /// Ties a store without an anchor to the one that it was given, if that is empty; see
    /// [`Vault::tie`].
    pub fn tie(&mut self, environment: &mut Environment<'_>) -> Result<Step<Outcome<()>>, Failure> {
        self.vault.tie(environment)
    }

    /// What a refusal means, if it is that the store was set back; see [`Vault::explained`].
    pub fn explained(&self, failure: Failure, records: &mut dyn Records) -> Failure {
        self.vault.explained(failure, records)
    }

    /// [`Outcome::confirm`], after others were quicker; see [`Vault::confirm_late`].
    pub fn confirm_late<T>(
        &self,
        outcome: &Outcome<T>,
        records: &mut dyn Records,
    ) -> Result<Confirmation, Failure> {
        self.vault.confirm_late(outcome, records)
    }

    /// Begins to change the key of the store to `secret`; see [`Vault::rekey`].
    pub fn rekey(
        &mut self,
        secret: &StoreSecret,
        environment: &mut Environment<'_>,
    ) -> Result<Rekeying, Failure> {
        self.vault.rekey(secret, environment)
    }

    /// Begins to make the store another one under `secret`; see [`Vault::move_to`].
    pub fn move_to(
        &mut self,
        secret: &StoreSecret,
        environment: &mut Environment<'_>,
    ) -> Result<Rekeying, Failure> {
        self.vault.move_to(secret, environment)
    }

    /// The next writes of a change of the key; see [`Vault::rekey_next`].
    pub fn rekey_next(
        &mut self,
        change: &mut Rekeying,
        environment: &mut Environment<'_>,
    ) -> Result<Vec<Write>, Failure> {
        self.vault.rekey_next(change, || self.identity.encode(), environment)
    }

    /// Takes note that a change of the key is durable.
    pub fn rekeyed(&mut self, change: &Rekeying) {
        self.vault.rekeyed(change);
    }

    /// This account's name and device.
    #[must_use]
    pub fn user(&self) -> (&str, DeviceId) {
        self.identity.user()
    }

    /// This account's public identity key.
    #[must_use]
    pub const fn identity_key(&self) -> &x25519::PublicKey {
        self.identity.key().public()
    }

    /// A bundle of this device's public keys, to give to whoever wants to start a session.
    ///
    /// Each call reserves one-time keys for one session.
    pub fn bundle(
        &mut self,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<u8>>>, Failure> {
        self.vault.refresh(environment.records)?;
        let mut stock = self.stock(environment.records)?;
        let device = self.identity.user().1;
        let bundle = stock.reserve(self.ours(), device, environment.random)?.encode();
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        let index = self.put_stock(&stock, &mut draft)?;
        self.vault.put_index(index, &mut draft, &mut learnt)?;
        self.vault.drafted((draft.finish(), learnt), bundle, environment)
    }

    /// A bundle without one-time keys, for any number of sessions.
    pub fn reusable_bundle(&mut self, records: &mut dyn Records) -> Result<Vec<u8>, Failure> {
        self.vault.refresh(records)?;
        let stock = self.stock(records)?;
        Ok(stock.reusable(self.ours(), self.identity.user().1).encode())
    }

    /// A peer with all its sessions, or `None` if it is not known.
    fn load_peer(
        &mut self,
        records: &mut dyn Records,
        user: &str,
        device: DeviceId,
    ) -> Result<Option<Box<LoadedPeer>>, Failure> {
        let identity = &self.identity;
        self.vault.load_peer(records, (user, &device), || identity.parties(user, device))
    }

    fn ours(&self) -> OurIdentity<'_> {
        self.identity.ours()
    }

    fn our_address(&self) -> Result<Address, Error> {
        self.identity.address()
    }

    fn stock(&self, records: &mut dyn Records) -> Result<PreKeyStock, Failure> {
        let stored = records.get(names::PREKEYS)?.ok_or(StoreError::Corruption)?;
        if stored.revision != self.vault.index().prekeys_revision {
            return Err(StoreError::Corruption.into());
        }
        let opened = self.vault.sealer().open(names::PREKEYS, stored.revision, &stored.sealed)?;
        Ok(PreKeyStock::decode(opened.expose())?)
    }

    /// Saves the prekeys, and returns the index that vouches for them.
    fn put_stock(&self, stock: &PreKeyStock, draft: &mut Draft<'_>) -> Result<Index, Failure> {
        let base = self.vault.index().prekeys_revision;
        let revision = base.checked_add(1).ok_or(Error::Exhausted)?;
        let encoded = draft::encoded(|out| stock.encode(out));
        draft.put(names::PREKEYS, base, revision, &encoded)?;
        Ok(Index { prekeys_revision: revision, ..self.vault.index() })
    }
}
