// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many envelopes from many senders in one step (docs/storage.md, "Batches").

use e2ee_account::receiving::{Opening, Receives, open_many};
use e2ee_primitives::secret::SecretBytes;
use e2ee_state::{Failure, Records, Step};
use e2ee_wire::Error;

use crate::{
    DeviceId, RatchetMessage,
    account::{
        Account, Content, Delivery, Environment, Incoming, Learnt, LoadedPeer, Opened, Outcome,
        draft::Draft, vault::Vault,
    },
    dialect::Signal,
    envelope::{self, Kind},
    padding::{self, Boundary},
    session::envelope_budget,
    sessions,
};

use super::Workers;

pub use e2ee_account::receiving::Placed;

impl Account {
    /// Opens all envelopes; each place holds what [`Account::decrypt`] would give.
    pub fn decrypt_many(
        &mut self,
        envelopes: &[Incoming<'_>],
        workers: &impl Workers,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Placed<Opened>>>>, Failure> {
        open_many(self, envelopes, workers, environment)
    }

    /// Opens all envelopes and puts the messages into the inbox; each place holds what
    /// [`Account::receive`] would give.
    pub fn receive_many(
        &mut self,
        envelopes: &[Incoming<'_>],
        workers: &impl Workers,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Placed<Delivery>>>>, Failure> {
        open_many(self, envelopes, workers, environment)
    }
}

impl Receives for Account {
    type Protocol = Signal;
    type Device<'a> = DeviceId;
    type Incoming<'a> = Incoming<'a>;

    fn vault(&mut self) -> &mut Vault<Signal> {
        &mut self.vault
    }

    fn sender<'a>(incoming: &Self::Incoming<'a>) -> (&'a str, DeviceId) {
        (incoming.user, incoming.device)
    }

    fn is_for_sessions(incoming: &Incoming<'_>) -> bool {
        matches!(envelope::decode(incoming.envelope), Ok((Kind::Ratchet, _)))
    }

    fn load(
        &mut self,
        (user, device): (&str, DeviceId),
        records: &mut dyn Records,
    ) -> Result<Option<Box<LoadedPeer>>, Failure> {
        self.load_peer(records, user, device)
    }

    /// `None` for others than the application's messages: an invitation changes a group.
    fn open_on(
        &self,
        loaded: &mut LoadedPeer,
        incoming: &Incoming<'_>,
    ) -> Option<Placed<SecretBytes>> {
        let LoadedPeer { sessions, parties, peer, .. } = loaded;
        let mut budget = envelope_budget(self.identity_key(), &peer.identity, parties);
        let padded = envelope::decode(incoming.envelope).and_then(|(_, message)| {
            let message = RatchetMessage::decode(message)?;
            sessions::decrypt(sessions, parties, &peer.identity, &message, &mut budget)
        });
        match padded.and_then(|padded| padding::unpad(padded.expose())) {
            Ok((Boundary::Application, plaintext)) => Some(Ok(plaintext)),
            Ok((Boundary::Distribution, _)) | Err(Error::PartMissing) => None,
            Err(refusal) => Some(Err(refusal)),
        }
    }
}

impl Opening<Account> for Opened {
    fn open(
        account: &mut Account,
        incoming: Incoming<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Self>>, Failure> {
        account.decrypt(incoming, environment)
    }

    fn keep(
        account: &mut Account,
        _: Incoming<'_>,
        plaintext: SecretBytes,
        _: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Self>>, Failure> {
        let opened = Self { content: Content::Direct, plaintext };
        Ok(account.vault.kept(Vec::new(), Outcome::unspent(opened, Learnt::default())))
    }

    fn refused(
        _: &Account,
        _: Incoming<'_>,
        refusal: Error,
        _: &mut Environment<'_>,
    ) -> Result<Self, Failure> {
        Err(refusal.into())
    }
}

impl Opening<Account> for Delivery {
    fn open(
        account: &mut Account,
        incoming: Incoming<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Self>>, Failure> {
        account.receive(incoming, environment)
    }

    fn keep(
        account: &mut Account,
        incoming: Incoming<'_>,
        plaintext: SecretBytes,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Self>>, Failure> {
        let message = envelope::decode(incoming.envelope)?;
        let sender = (incoming.user, incoming.device);
        let opened = Opened { content: Content::Direct, plaintext };
        let expired = account.ledger.expired(environment)?;
        let mut draft = Draft::new(account.vault.sealer(), environment.random);
        let value = account.keep(sender, message, opened, (environment.now_ms, &mut draft))?;
        for (name, revision) in expired {
            draft.delete(&name, revision);
        }
        account.vault.drafted((draft.finish(), Learnt::default()), value, environment)
    }

    fn refused(
        account: &Account,
        incoming: Incoming<'_>,
        refusal: Error,
        environment: &mut Environment<'_>,
    ) -> Result<Self, Failure> {
        let message = envelope::decode(incoming.envelope)?;
        account.refused((incoming.user, incoming.device), message, refusal, environment)
    }
}
