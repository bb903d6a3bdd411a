// SPDX-License-Identifier: MIT OR Apache-2.0
//! What waits: opened messages for the application, and envelopes for their carrier
//! (docs/storage.md, "Receiving" and "Outbox").

use e2ee_state::{Failure, Records, Step};

use crate::DeviceId;

use super::{
    Account, Environment, InboxEntry, Learnt, OutboxEntry, Outcome, draft::Draft, outbox::Naming,
};

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
        let (mut loaded, envelope) = self.encrypt_for(whom, plaintext, environment)?;
        let now_ms = environment.now_ms;
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        let naming = match id {
            Some(id) => Naming::Again(id),
            None => Naming::Anew(loaded.next_sending_revision()?, 0),
        };
        let whom = (loaded.user.clone(), loaded.device);
        let entry = OutboxEntry::new(whom, naming, envelope, (now_ms, &mut draft))?;
        self.vault.save_moved(&mut loaded, &mut draft, &mut learnt)?;
        let step = self.vault.drafted((draft.finish(), learnt), entry.id, environment)?;
        self.vault.rest(loaded);
        Ok(step)
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
