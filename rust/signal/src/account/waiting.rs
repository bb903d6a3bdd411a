// SPDX-License-Identifier: MIT OR Apache-2.0
//! What waits: opened messages for the application, and envelopes for their carrier
//! (docs/storage.md, "Receiving" and "Outbox").

use e2ee_state::{Failure, Records, Step};

use crate::DeviceId;

use super::{Account, Environment, InboxEntry, OutboxEntry, Outcome};

impl Account {
    /// All messages that wait, oldest first.
    pub fn inbox(&mut self, records: &mut dyn Records) -> Result<Vec<InboxEntry>, Failure> {
        self.vault.inbox(records)
    }

    /// Takes a message that the application has handled out of the inbox; see [`Vault::handled`].
    ///
    /// [`Vault::handled`]: e2ee_account::Vault::handled
    pub fn handled(
        &self,
        id: &str,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<bool>>, Failure> {
        self.vault.handled(id, environment)
    }

    /// Pads and encrypts `plaintext`, and puts the envelope into the outbox, in the same step; the
    /// result is the entry's id, which may be that of an earlier step that was dropped.
    ///
    /// As [`Account::encrypt`]; [`Error::InvalidArgument`] also for what is no id.
    pub fn queue(
        &mut self,
        whom: (&str, DeviceId),
        (plaintext, id): (&[u8], Option<&str>),
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<String>>, Failure> {
        let (loaded, envelope) = self.encrypt_for(whom, plaintext, environment)?;
        self.vault.queue(loaded, (envelope, id), environment)
    }

    /// The envelopes that wait, oldest first, at most `limit`; to one peer, if one is given.
    ///
    /// They may leave: the anchor, if there is one, knows of all of them.
    pub fn outbox(
        &mut self,
        peer: Option<(&str, DeviceId)>,
        limit: usize,
        records: &mut dyn Records,
    ) -> Result<Vec<OutboxEntry>, Failure> {
        let peer = peer.as_ref().map(|(user, device)| (*user, device));
        self.vault.outbox(peer, limit, records)
    }

    /// Takes an envelope that its carrier has taken out of the outbox; none is no error.
    pub fn sent(
        &self,
        id: &str,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        self.vault.sent(id, environment)
    }
}
