// SPDX-License-Identifier: MIT OR Apache-2.0
//! Starting sessions and sending on them (olm_megolm.md §1.1 and §1.3; docs/storage.md,
//! "Sending").

use e2ee_account::{
    Environment, Exchange, OutboxEntry, Outcome,
    batch::{Keep, Refused, addressed},
    outbox::Naming,
    outcome::At,
};
use e2ee_primitives::x25519;
use e2ee_state::{Failure, Step, Workers};
use e2ee_wire::Error;

use crate::{
    dialect::Olm,
    session::{Ciphertext, Session},
    sessions,
};

use super::{DeviceId, LoadedPeer, StoredAccount, envelope::wrap};

/// A message to a device.
pub type Outgoing<'a> = ((&'a str, &'a DeviceId), &'a [u8]);

impl StoredAccount {
    /// Starts a session with a device under one of its one-time or fallback keys; the device may be
    /// away.
    ///
    /// Nothing here says whose keys they are: both must have come under the device's Ed25519
    /// signature (olm_megolm.md §8). The first identity key of a device is trusted, and
    /// [`Error::UntrustedIdentity`] is said of any other: a device never changes it.
    pub fn connect(
        &mut self,
        whom: (&str, &DeviceId),
        identity_key: &x25519::PublicKey,
        one_time_key: &x25519::PublicKey,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        self.vault.refresh(environment.records)?;
        let (mut loaded, before) = self.peer_or_new(whom, identity_key, environment)?;
        let ours = &self.identity.key;
        let session = Session::initiate(ours, identity_key, one_time_key, environment.random)?;
        loaded.sessions.install(session);
        self.vault.saved((loaded, before), (), environment)
    }

    /// Encrypts to a device on the session that it was received from last; the result is the
    /// envelope.
    ///
    /// [`Error::NoSession`] if there is none.
    pub fn encrypt(
        &mut self,
        whom: (&str, &DeviceId),
        plaintext: &[u8],
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<u8>>>, Failure> {
        let (loaded, envelope) = self.encrypt_for(whom, plaintext, environment)?;
        let before = Some(loaded.peer.clone());
        self.vault.saved((loaded, before), envelope, environment)
    }

    /// Encrypts to a device, and puts the envelope into the outbox, in the same step; the result is
    /// the entry's id, which may be that of an earlier step that was dropped.
    ///
    /// As [`StoredAccount::encrypt`]; [`Error::InvalidArgument`] also for what is no id.
    pub fn queue(
        &mut self,
        whom: (&str, &DeviceId),
        (plaintext, id): (&[u8], Option<&str>),
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<String>>, Failure> {
        let (loaded, envelope) = self.encrypt_for(whom, plaintext, environment)?;
        self.vault.queue(loaded, (envelope, id), environment)
    }

    /// Encrypts to a device; the result is the device, which is to be saved, and an envelope.
    fn encrypt_for(
        &mut self,
        whom: (&str, &DeviceId),
        plaintext: &[u8],
        environment: &mut Environment<'_>,
    ) -> Result<(Box<LoadedPeer>, Vec<u8>), Failure> {
        self.vault.refresh(environment.records)?;
        let mut loaded = self.load_peer(environment.records, whom)?.ok_or(Error::NoSession)?;
        let at: At<'_> = (environment.now_ms, environment.random);
        let message = encrypt(&mut loaded, plaintext, at)?;
        Ok((loaded, wrap(&message)))
    }

    /// [`StoredAccount::encrypt`] without reading; see [`Vault::exchange`].
    ///
    /// [`Vault::exchange`]: e2ee_account::Vault::exchange
    pub fn encrypt_at_rest(
        &mut self,
        whom: (&str, &DeviceId),
        plaintext: &[u8],
        at: At<'_>,
    ) -> Option<(Exchange, Outcome<Vec<u8>>)> {
        let encrypt = |loaded: &mut LoadedPeer, at: At<'_>| encrypt(loaded, plaintext, at).ok();
        self.vault.exchange(whom, at, |loaded, at| encrypt(loaded, at).as_ref().map(wrap))
    }

    /// [`StoredAccount::encrypt_many`] without reading, of plaintexts to one device.
    ///
    /// `None` also if they move more than the sending chain.
    pub fn encrypt_all_at_rest(
        &mut self,
        whom: (&str, &DeviceId),
        plaintexts: &[&[u8]],
        at: At<'_>,
    ) -> Option<(Exchange, Outcome<Vec<Vec<u8>>>)> {
        if plaintexts.is_empty() {
            return None;
        }
        self.vault.exchange(whom, at, |loaded, (now_ms, random)| {
            let encrypt = |plaintext: &&[u8]| {
                let stays = loaded.sessions.current().is_some_and(Session::sends_in_place);
                let sent = stays.then(|| encrypt(loaded, plaintext, (now_ms, &mut *random)));
                sent?.ok().as_ref().map(wrap)
            };
            plaintexts.iter().map(encrypt).collect()
        })
    }

    /// Encrypts all plaintexts in one step; the results are in their order.
    ///
    /// As [`StoredAccount::encrypt`]: if one is refused, all are, with that refusal.
    pub fn encrypt_many(
        &mut self,
        messages: &[Outgoing<'_>],
        workers: &impl Workers,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Vec<u8>>>>, Refused> {
        self.send_many(messages, workers, environment, |_, _, message, _| Ok(wrap(&message)))
    }

    /// Encrypts all plaintexts, and puts the envelopes into the outbox, in one step; the results
    /// are the ids of the entries, in their order.
    ///
    /// As [`StoredAccount::queue`]: if one is refused, all are, with that refusal.
    pub fn queue_many(
        &mut self,
        messages: &[Outgoing<'_>],
        workers: &impl Workers,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<String>>>, Refused> {
        self.send_many(messages, workers, environment, |loaded, place, message, at| {
            let naming = Naming::Anew(loaded.next_sending_revision()?, place);
            let whom = (loaded.user.clone(), loaded.device.clone());
            Ok(OutboxEntry::new(whom, naming, wrap(&message), at)?.id)
        })
    }

    fn send_many<T: Send>(
        &mut self,
        messages: &[Outgoing<'_>],
        workers: &impl Workers,
        environment: &mut Environment<'_>,
        keep: impl Keep<Olm, Ciphertext, T>,
    ) -> Result<Step<Outcome<Vec<T>>>, Refused> {
        self.vault.refresh(environment.records).map_err(Refused::whole)?;
        let addressed = addressed(messages, |user, device| {
            self.load_peer(environment.records, (user, device))
        })?;
        self.vault.send_many(addressed, workers, environment, (encrypt, keep))
    }
}

/// Encrypts on the session that a device was received from last.
fn encrypt(
    loaded: &mut LoadedPeer,
    plaintext: &[u8],
    (_, random): At<'_>,
) -> Result<Ciphertext, Error> {
    let LoadedPeer { sessions, peer, .. } = loaded;
    sessions::encrypt(sessions, &peer.identity, plaintext, random)
}
