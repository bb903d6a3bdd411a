// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many envelopes from many senders in one step (docs/storage.md, "Batches").

use e2ee_account::{
    Environment, Learnt, Outcome, Vault,
    draft::Draft,
    receiving::{Opening, Receives, open_many},
};
use e2ee_primitives::secret::SecretBytes;
use e2ee_state::{Failure, Records, Step, Workers};
use e2ee_wire::Error;

use crate::{
    dialect::Olm,
    message::{NormalMessage, PreKeyMessage},
    session::envelope_budget,
    sessions,
    standalone::Received,
};

use super::{Delivery, DeviceId, Incoming, LoadedPeer, Opened, StoredAccount, envelope};

pub use e2ee_account::receiving::Placed;

impl StoredAccount {
    /// Opens all messages in one step; each place holds what [`StoredAccount::decrypt`] would give.
    pub fn decrypt_many(
        &mut self,
        messages: &[Incoming<'_>],
        workers: &impl Workers,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Placed<Opened>>>>, Failure> {
        open_many(self, messages, workers, environment)
    }

    /// Opens all messages and puts them into the inbox in one step; each place holds what
    /// [`StoredAccount::receive`] would give.
    pub fn receive_many(
        &mut self,
        messages: &[Incoming<'_>],
        workers: &impl Workers,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Placed<Delivery>>>>, Failure> {
        open_many(self, messages, workers, environment)
    }
}

impl Receives for StoredAccount {
    type Protocol = Olm;
    type Device<'a> = &'a DeviceId;
    type Incoming<'a> = Incoming<'a>;

    fn vault(&mut self) -> &mut Vault<Olm> {
        &mut self.vault
    }

    fn sender<'a>(incoming: &Self::Incoming<'a>) -> (&'a str, &'a DeviceId) {
        (incoming.user, incoming.device)
    }

    /// All may be: until it is answered, a session repeats in each message how it began.
    fn is_for_sessions(_: &Incoming<'_>) -> bool {
        true
    }

    fn load(
        &mut self,
        whom: (&str, &DeviceId),
        records: &mut dyn Records,
    ) -> Result<Option<Box<LoadedPeer>>, Failure> {
        self.load_peer(records, whom)
    }

    /// `None` for the first message of a session: it uses a one-time key.
    fn open_on(
        &self,
        loaded: &mut LoadedPeer,
        incoming: &Incoming<'_>,
    ) -> Option<Placed<SecretBytes>> {
        open_on(loaded, incoming).transpose()
    }
}

fn open_on(
    LoadedPeer { sessions, peer, .. }: &mut LoadedPeer,
    incoming: &Incoming<'_>,
) -> Result<Option<SecretBytes>, Error> {
    let budget = &mut envelope_budget();
    let check = || match incoming.identity_key {
        Some(key) if *key != peer.identity => Err(Error::UntrustedIdentity),
        _ => Ok(()),
    };
    match envelope::decode(incoming.envelope)? {
        Received::Normal(bytes) => {
            let message = NormalMessage::decode(bytes)?;
            check()?;
            sessions::decrypt(sessions, &peer.identity, &message, budget).map(Some)
        }
        Received::PreKey(bytes) => {
            let message = PreKeyMessage::decode(bytes)?;
            check()?;
            sessions::decrypt_repeated(sessions, &peer.identity, &message, budget)
        }
    }
}

impl Opening<StoredAccount> for Opened {
    fn open(
        account: &mut StoredAccount,
        incoming: Incoming<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Self>>, Failure> {
        account.decrypt(incoming, environment)
    }

    fn keep(
        account: &mut StoredAccount,
        _: Incoming<'_>,
        plaintext: SecretBytes,
        _: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Self>>, Failure> {
        let outcome = Outcome::unspent(Self(plaintext), Learnt::default());
        Ok(account.vault.kept(Vec::new(), outcome))
    }

    fn refused(
        _: &StoredAccount,
        _: Incoming<'_>,
        refusal: Error,
        _: &mut Environment<'_>,
    ) -> Result<Self, Failure> {
        Err(refusal.into())
    }
}

impl Opening<StoredAccount> for Delivery {
    fn open(
        account: &mut StoredAccount,
        incoming: Incoming<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Self>>, Failure> {
        account.receive(incoming, environment)
    }

    fn keep(
        account: &mut StoredAccount,
        incoming: Incoming<'_>,
        plaintext: SecretBytes,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Self>>, Failure> {
        let expired = account.ledger.expired(environment)?;
        let mut draft = Draft::new(account.vault.sealer(), environment.random);
        let value = account.keep(incoming, plaintext, (environment.now_ms, &mut draft))?;
        for (name, revision) in expired {
            draft.delete(&name, revision);
        }
        account.vault.drafted((draft.finish(), Learnt::default()), value, environment)
    }

    fn refused(
        account: &StoredAccount,
        incoming: Incoming<'_>,
        refusal: Error,
        environment: &mut Environment<'_>,
    ) -> Result<Self, Failure> {
        account.refused(incoming, refusal, environment)
    }
}
