// SPDX-License-Identifier: MIT OR Apache-2.0
//! An account over a store: both identity keys, the keys that others begin sessions with, peers and
//! their sessions, in sealed records (olm_megolm.md §1 and §8; docs/storage.md, "Steps").
//!
//! Every method works inside one transaction of a store, which it only reads. What it would
//! change comes back as a [`Step`]: the store writes it, commits, and only then gives it to
//! [`Vault::committed`] in exchange for the result.

mod batch;
pub mod envelope;
mod examination;
mod heal;
mod identity;
mod keys;
mod layout;
mod parts;
mod peers;
#[cfg(test)]
mod person;
mod receive;
mod send;

use e2ee_account::{Environment, Ledger, Unlocked, Vault, names};
use e2ee_primitives::{ed25519, random::Random, x25519};
use e2ee_state::{Failure, Records, Step, StoreSecret, Write};
use e2ee_wire::Error;

use crate::{dialect::Olm, one_time_keys::OneTimeKeys};

use identity::Identity;

pub use batch::Placed;
pub use e2ee_account::rekey::Rekeying;
pub use examination::{KeysState, examine, is_of_olm};
pub use heal::Healed;
pub use identity::FORMAT_VERSION as IDENTITY_VERSION;
pub use keys::{Numbered, Unpublished};
pub use layout::{DeviceId, Message};
pub use peers::Contact;
pub use receive::{Incoming, Opened};
pub use send::Outgoing;

/// A message in the inbox.
pub type InboxEntry = e2ee_account::InboxEntry<DeviceId, Message>;
/// What became of a message.
pub type Delivery = e2ee_account::Delivery<DeviceId, Message>;
/// A peer's record.
type Peer = e2ee_account::Peer<x25519::PublicKey>;
/// A peer with its sessions.
type LoadedPeer = e2ee_account::LoadedPeer<Olm>;

/// An account, as one process knows it.
#[derive(Debug)]
pub struct StoredAccount {
    vault: Vault<Olm>,
    ledger: Ledger,
    identity: Identity,
}

impl StoredAccount {
    /// Makes an account for a device of `user` in an empty store, without one-time keys.
    ///
    /// See [`Vault::create`].
    pub fn create(
        secret: &StoreSecret,
        user: &str,
        device: DeviceId,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Self>, Failure> {
        let first = |random: &mut dyn Random| {
            let identity = Identity::generate(user, device, random)?;
            Ok(([identity.encode(), keys::encode(&OneTimeKeys::none())], identity))
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
        let identity = Identity::decode(store.identity())?;
        let mut account = Self::new(store.into_vault(), identity);
        account.vault.refresh(records)?;
        Ok(account)
    }

    fn new(vault: Vault<Olm>, identity: Identity) -> Self {
        Self { vault, ledger: Ledger::new(identity.ledger_hash()), identity }
    }

    /// The records: what steps are committed with, the inbox, the outbox, and the store's anchor.
    pub const fn vault(&mut self) -> &mut Vault<Olm> {
        &mut self.vault
    }

    /// This account's name and device.
    #[must_use]
    pub fn user(&self) -> (&str, &DeviceId) {
        (&self.identity.user, &self.identity.device)
    }

    /// The public Curve25519 key, which agrees in sessions.
    #[must_use]
    pub const fn identity_key(&self) -> &x25519::PublicKey {
        self.identity.key.public()
    }

    /// The public Ed25519 key, under which everything that the device publishes is signed.
    #[must_use]
    pub const fn signing_key(&self) -> &ed25519::PublicKey {
        self.identity.signing.public()
    }

    /// Signs with the Ed25519 key (RFC 8032 §5.1.6).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.identity.signing.sign(message)
    }

    /// The next writes of a change of the store's key, which [`Vault::rekey`] begins; see
    /// [`Vault::rekey_next`].
    pub fn rekey_next(
        &mut self,
        change: &mut Rekeying,
        environment: &mut Environment<'_>,
    ) -> Result<Vec<Write>, Failure> {
        self.vault.rekey_next(change, || self.identity.encode(), environment)
    }

    /// A peer with all its sessions, or `None` if it is not known.
    fn load_peer(
        &mut self,
        records: &mut dyn Records,
        whom: (&str, &DeviceId),
    ) -> Result<Option<Box<LoadedPeer>>, Failure> {
        self.vault.load_peer(records, whom, || Ok(()))
    }

    /// The peer as it is stored, or a new one that trusts `identity_key`; and its record as it is
    /// stored, to see later whether it changed.
    ///
    /// [`Error::UntrustedIdentity`] if another key is trusted.
    fn peer_or_new(
        &mut self,
        whom: (&str, &DeviceId),
        identity_key: &x25519::PublicKey,
        environment: &mut Environment<'_>,
    ) -> Result<(Box<LoadedPeer>, Option<Peer>), Failure> {
        if let Some(loaded) = self.load_peer(environment.records, whom)? {
            if loaded.peer.identity != *identity_key {
                return Err(Error::UntrustedIdentity.into());
            }
            let before = loaded.peer.clone();
            return Ok((loaded, Some(before)));
        }
        let (user, device) = whom;
        names::check_user(user)?;
        let peer = Peer::first_seen(*identity_key);
        Ok((Box::new(LoadedPeer::new((user, device.clone()), (), peer)), None))
    }
}

#[cfg(test)]
mod tests;
