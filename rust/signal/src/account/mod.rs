// SPDX-License-Identifier: MIT OR Apache-2.0
//! An account: an identity, its prekeys, its peers, their sessions and groups, in sealed records
//! (docs/storage.md, "Steps" and "What vouches for what").
//!
//! Every method works inside one transaction of a store, which it only reads. What it would
//! change comes back as a [`Step`]: the store writes it, commits, and only then gives it to
//! [`Account::committed`] in exchange for the result.

mod anchoring;
mod batch;
mod examination;
mod exchange;
mod groups;
mod heal;
mod identity;
mod importing;
mod inbox;
mod ledger;
mod names;
mod outbox;
mod parts;
mod peer;
#[cfg(test)]
mod person;
mod prekeys;
mod receive;
mod rekey;
mod repair;
mod resting;
mod sealed;
mod send;
mod sessions;
mod trust;

use std::collections::HashMap;

use e2ee_account::{anchor_value, draft, generation, index, memory};
use e2ee_primitives::{hmac::HmacKey, random::Random, x25519};
use e2ee_state::{
    Failure, Records, Sealer, Step, StoreError, StoreSecret, Stored, Write, digest::SetDigest, key,
};
use e2ee_wire::Error;

use crate::{Address, DeviceId, PreKeyStock, session::OurIdentity};

use draft::{Draft, Drafted};
use generation::Moved;
use identity::Identity;
use index::Index;
use memory::{Mark, Memory, Rows, Seen};
use rekey::Successor;
use resting::Resting;

pub use anchoring::Confirmation;
pub use batch::{Placed, Refused, Workers};
pub use examination::{
    ChainsState, Examination, Fault, Finding, GroupState, InboxState, Naming, OpenedSession,
    PeerState, Phase, Place, RecordCount, RecordKind, Sending, SessionState, Severity,
};
pub use exchange::Exchange;
pub use groups::{GroupChange, Invitation, Member, SealedToGroup};
pub use heal::Healed;
pub use inbox::{Content, GroupId, InboxEntry};
pub(crate) use names::hex;
pub use names::{check_user, service_id};
pub use outbox::OutboxEntry;
pub use receive::{Delivery, Incoming, Opened};
pub use rekey::Rekeying;
pub use repair::{MAX_PER_HOUR, MAX_PER_MESSAGE};
pub use sealed::{OpenedFrom, SealedIncoming, Unsealed};
pub use trust::Contact;

/// What a method works with: the store's transaction, randomness, and the time in milliseconds
/// since the Unix epoch.
pub struct Environment<'a> {
    /// The open transaction.
    pub records: &'a mut dyn Records,
    /// The source of randomness.
    pub random: &'a mut dyn Random,
    /// The time.
    pub now_ms: u64,
}

/// An account, as one process knows it.
#[derive(Debug)]
pub struct Account {
    sealer: Sealer,
    /// The store record that the sealer was made of.
    store_record: Vec<u8>,
    digest_key: HmacKey,
    ledger_hash: HmacKey,
    identity: Identity,
    index: Index,
    /// The row that `index` and `members` are from, which need not be durable: of any other one,
    /// both are read anew. Of revision 0 before one was read.
    index_row: Stored,
    /// The members of the index's digest, with their revisions.
    members: HashMap<String, u64>,
    /// The durable rows that this process has seen.
    memory: Memory,
    /// Sessions that need not be read again.
    resting: Resting,
    /// The day of the last look for ledger entries that are too old.
    pruned_day: u64,
    /// What follows if a change of the store's key that this process has made is durable.
    successor: Option<Successor>,
}

/// A result, and what the account knows once the step is durable.
#[derive(Debug)]
pub struct Outcome<T> {
    value: T,
    learnt: Learnt,
    /// What the anchor must hold before the value may leave.
    moved: Option<Moved>,
}

impl<T> Outcome<T> {
    /// The result of a step that is part of a longer transaction, and what is to be committed when
    /// that is durable, and before anything of it is sent.
    pub fn part(self) -> (T, Outcome<()>) {
        (self.value, Outcome { value: (), learnt: self.learnt, moved: self.moved })
    }
}

/// What changes in the account's own memory by a commit.
#[derive(Debug, Default)]
struct Learnt {
    index: Option<(Index, Stored)>,
    members: Vec<(String, Option<u64>)>,
    rows: Rows,
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
        if environment.records.get(key::RECORD_NAME)?.is_some() {
            return Err(StoreError::AlreadyExists.into());
        }
        Self::check_empty(environment.records)?;
        check_user(user)?;
        let (sealer, store_record) = secret.create(environment.random)?;
        let identity = Identity::generate(user, device, environment.random)?;
        let stock = PreKeyStock::generate(identity.key(), environment.now_ms, environment.random)?;
        let index = Index { prekeys_revision: 1, ..Index::default() };
        let mut draft = Draft::new(&sealer, environment.random);
        draft.plain(key::RECORD_NAME, 0, store_record.clone())?;
        draft.put(names::IDENTITY, 0, 1, &identity.encode())?;
        let seen = draft.put(names::INDEX, 0, 1, &index.encode())?;
        let index_row = Stored { revision: 1, sealed: draft.last_sealed() };
        draft.put(names::PREKEYS, 0, 1, &draft::encoded(|out| stock.encode(out)))?;
        let writes = draft.finish().writes;
        let mut result = Self::new((sealer, store_record), identity);
        result.index = index;
        result.index_row = index_row;
        result.memory.commit(vec![(names::INDEX.to_owned(), Some(seen))]);
        Ok(Step { writes, result })
    }

    /// Opens the account of a store, and checks all that its index vouches for.
    pub fn open(secret: &StoreSecret, records: &mut dyn Records) -> Result<Self, Failure> {
        let record = records.get(key::RECORD_NAME)?.ok_or(StoreError::Missing)?;
        let sealer = secret.open(&record.sealed)?;
        let stored = records.get(names::IDENTITY)?.ok_or(StoreError::Corruption)?;
        let opened = sealer.open(names::IDENTITY, stored.revision, &stored.sealed)?;
        let identity = Identity::decode(opened.expose(), || sealer.hash_secret("ledger"))?;
        let mut account = Self::new((sealer, record.sealed), identity);
        account.refresh(records)?;
        Ok(account)
    }

    /// An account that knows no row of its index yet.
    fn new((sealer, store_record): (Sealer, Vec<u8>), identity: Identity) -> Self {
        Self {
            digest_key: sealer.hash_key("index"),
            ledger_hash: identity.ledger_hash(),
            sealer,
            store_record,
            identity,
            index: Index::default(),
            index_row: Stored { revision: 0, sealed: Vec::new() },
            members: HashMap::new(),
            memory: Memory::default(),
            resting: Resting::none(),
            pruned_day: 0,
            successor: None,
        }
    }

    /// The step with these writes, which the next call in the same transaction finds. If they spend
    /// message keys, it moves the generation.
    fn drafted<T>(
        &mut self,
        (drafted, mut learnt): (Drafted, Learnt),
        value: T,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<T>>, Failure> {
        let Drafted { mut writes, spends } = drafted;
        let mut moved = None;
        if spends {
            moved = self.spend((&mut writes, &mut learnt), environment)?;
        }
        Ok(self.kept(writes, Outcome { value, learnt, moved }))
    }

    /// The step with these writes, after the account has taken note of them.
    fn kept<T>(&mut self, writes: Vec<Write>, mut outcome: Outcome<T>) -> Step<Outcome<T>> {
        let learnt = &mut outcome.learnt;
        if let Some((index, row)) = learnt.index.take() {
            self.index = index;
            self.index_row = row;
            for (name, revision) in learnt.members.drain(..) {
                match revision {
                    Some(revision) => _ = self.members.insert(name, revision),
                    None => _ = self.members.remove(&name),
                }
            }
        }
        self.memory.draft(&learnt.rows);
        Step { writes, result: outcome }
    }

    /// Takes note that a step is durable, and returns its result, which may leave.
    pub fn committed<T>(&mut self, outcome: Outcome<T>, _: &Confirmation) -> T {
        self.memory.commit(outcome.learnt.rows);
        outcome.value
    }

    /// Takes note that the transaction of `outcome`'s step has ended, and that it was undone or
    /// nobody knows: whoever finds its rows from now on finds them durable.
    pub fn ended<T>(&mut self, outcome: &Outcome<T>) {
        self.memory.end(&outcome.learnt.rows);
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
        self.refresh(environment.records)?;
        let mut stock = self.stock(environment.records)?;
        let device = self.identity.user().1;
        let bundle = stock.reserve(self.ours(), device, environment.random)?.encode();
        let mut draft = Draft::new(&self.sealer, environment.random);
        let mut learnt = Learnt::default();
        let index = self.put_stock(&stock, &mut draft)?;
        self.put_index(index, &mut draft, &mut learnt)?;
        self.drafted((draft.finish(), learnt), bundle, environment)
    }

    /// A bundle without one-time keys, for any number of sessions.
    pub fn reusable_bundle(&mut self, records: &mut dyn Records) -> Result<Vec<u8>, Failure> {
        self.refresh(records)?;
        let stock = self.stock(records)?;
        Ok(stock.reusable(self.ours(), self.identity.user().1).encode())
    }

    /// Begins a call: reads the index and, if it is not the row that is known, checks everything
    /// against it again.
    fn refresh(&mut self, records: &mut dyn Records) -> Result<(), Failure> {
        let stored = records.get(names::INDEX)?.ok_or(StoreError::Corruption)?;
        let found = Seen { revision: stored.revision, mark: Mark::of(&stored.sealed)? };
        self.memory.check(names::INDEX, found)?;
        if self.index_row == stored {
            return Ok(self.memory.see(names::INDEX, found)?);
        }
        let opened = match self.sealer.open(names::INDEX, stored.revision, &stored.sealed) {
            Err(StoreError::Corruption) => {
                self.follow_key(records)?;
                self.sealer.open(names::INDEX, stored.revision, &stored.sealed)?
            }
            opened => opened?,
        };
        let index = Index::decode(opened.expose())?;
        let members = self.members_of(&index, records)?;
        // Only now is it known to be a row of ours, which others must not precede.
        self.memory.see(names::INDEX, found)?;
        // Chains of a group that another process changed may have gone and begun anew.
        let unchanged = |group: &String| self.members.get(group) == members.get(group);
        self.memory
            .retain(|name| names::group_of_chain(name).is_none_or(|group| unchanged(&group)));
        self.resting.retain(|name, revision| members.get(name) == Some(&revision));
        self.index = index;
        self.index_row = stored;
        self.members = members;
        Ok(())
    }

    /// The peers and groups in the store, which must be those for which `index` vouches.
    fn members_of(
        &self,
        index: &Index,
        records: &mut dyn Records,
    ) -> Result<HashMap<String, u64>, Failure> {
        let mut digest = SetDigest::default();
        let mut members = HashMap::new();
        for prefix in [names::PEER_PREFIX, names::GROUP_PREFIX] {
            for (name, revision) in records.list(prefix)? {
                digest.toggle(&self.digest_key, &name, revision);
                members.insert(name, revision);
            }
        }
        if digest != index.digest || u32::try_from(members.len()) != Ok(index.members) {
            return Err(StoreError::Corruption.into());
        }
        Ok(members)
    }

    fn ours(&self) -> OurIdentity<'_> {
        self.identity.ours()
    }

    fn our_address(&self) -> Result<Address, Error> {
        let (user, device) = self.identity.user();
        names::protocol_address(user, device)
    }

    fn stock(&self, records: &mut dyn Records) -> Result<PreKeyStock, Failure> {
        let stored = records.get(names::PREKEYS)?.ok_or(StoreError::Corruption)?;
        if stored.revision != self.index.prekeys_revision {
            return Err(StoreError::Corruption.into());
        }
        let opened = self.sealer.open(names::PREKEYS, stored.revision, &stored.sealed)?;
        Ok(PreKeyStock::decode(opened.expose())?)
    }

    /// Saves the prekeys, and returns the index that vouches for them.
    fn put_stock(&self, stock: &PreKeyStock, draft: &mut Draft<'_>) -> Result<Index, Failure> {
        let base = self.index.prekeys_revision;
        let revision = base.checked_add(1).ok_or(Error::Exhausted)?;
        let encoded = draft::encoded(|out| stock.encode(out));
        draft.put(names::PREKEYS, base, revision, &encoded)?;
        Ok(Index { prekeys_revision: revision, ..self.index })
    }

    fn put_index(
        &self,
        index: Index,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        let revision = self.next_index_revision()?;
        let seen = draft.put(names::INDEX, self.index_row.revision, revision, &index.encode())?;
        learnt.rows.push((names::INDEX.to_owned(), Some(seen)));
        learnt.index = Some((index, Stored { revision, sealed: draft.last_sealed() }));
        Ok(())
    }

    /// Saves `index` if it is another one than now.
    fn put_changed_index(
        &self,
        index: Index,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        if index == self.index { Ok(()) } else { self.put_index(index, draft, learnt) }
    }

    /// The revision that the next change of the index takes; peers and groups take it as theirs, so that no
    /// name ever has the same revision twice.
    fn next_index_revision(&self) -> Result<u64, Error> {
        self.index_row.revision.checked_add(1).ok_or(Error::Exhausted)
    }
}
