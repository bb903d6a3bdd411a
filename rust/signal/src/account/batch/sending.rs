// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many messages to many peers in one step: all of them, or none (docs/storage.md, "Batches").

use e2ee_account::batch::{Keep, addressed};
use e2ee_state::Step;
use e2ee_wire::Error;

use crate::{
    DeviceId,
    account::{Account, Environment, OutboxEntry, Outcome, outbox::Naming, send},
    dialect::Signal,
    envelope::MAX_PLAINTEXT_LEN,
};

use super::{Refused, Workers};

/// A message to a peer.
pub type Outgoing<'a> = ((&'a str, DeviceId), &'a [u8]);

impl Account {
    /// Pads and encrypts all plaintexts; the results are encoded envelopes, in their order.
    ///
    /// As [`Account::encrypt`]: if one is refused, all are, with that refusal.
    pub fn encrypt_many(
        &mut self,
        messages: &[Outgoing<'_>],
        workers: &impl Workers,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Vec<u8>>>>, Refused> {
        self.send_many(messages, workers, environment, |_, _, envelope, _| Ok(envelope))
    }

    /// Pads and encrypts all plaintexts, and puts the envelopes into the outbox; the results are
    /// the ids of the entries, in their order.
    ///
    /// As [`Account::queue`]: if one is refused, all are, with that refusal.
    pub fn queue_many(
        &mut self,
        messages: &[Outgoing<'_>],
        workers: &impl Workers,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<String>>>, Refused> {
        self.send_many(messages, workers, environment, |loaded, place, envelope, at| {
            let naming = Naming::Anew(loaded.next_sending_revision()?, place);
            let whom = (loaded.user.clone(), loaded.device);
            Ok(OutboxEntry::new(whom, naming, envelope, at)?.id)
        })
    }

    /// Encrypts all plaintexts, and makes the results with `keep`.
    fn send_many<T: Send>(
        &mut self,
        messages: &[Outgoing<'_>],
        workers: &impl Workers,
        environment: &mut Environment<'_>,
        keep: impl Keep<Signal, Vec<u8>, T>,
    ) -> Result<Step<Outcome<Vec<T>>>, Refused> {
        let too_long = |(_, plaintext): &Outgoing<'_>| plaintext.len() > MAX_PLAINTEXT_LEN;
        if let Some(place) = messages.iter().position(too_long) {
            return Err(Refused { place, failure: Error::InvalidArgument.into() });
        }
        self.vault.refresh(environment.records).map_err(Refused::whole)?;
        let addressed =
            addressed(messages, |user, device| self.load_peer(environment.records, user, device))?;
        self.vault.send_many(addressed, workers, environment, (send::encrypt, keep))
    }
}
