// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading a chat with what is kept beside its state, and saving what a step has made of it
//! (docs/storage.md, "Steps"; mtproto_secret_chats.md §5).

use e2ee_account::{Environment, Learnt, Outcome, draft::Draft, index::Index};
use e2ee_primitives::SecretBytes;
use e2ee_state::{Failure, Records, Step, StoreError, seal::RecordSealer};
use e2ee_wire::Error;

use crate::chat::{Chat, Effects, Sent, Shelf};

use super::{
    ChatId, Phase, SecretChats,
    layout::{self, TAG_LEN},
    record::{self, Record},
};

/// A chat whose first key is agreed on, as it was loaded.
pub(super) struct Loaded {
    pub(super) id: ChatId,
    pub(super) record: Record,
    /// What seals the state.
    pub(super) sealer: RecordSealer,
    /// The revision of the state, 0 if it is new.
    pub(super) revision: u64,
    pub(super) chat: Chat,
}

/// The names and revisions of all records of a chat.
pub(super) struct KeptRows {
    member: (String, u64),
    state: Option<(String, u64)>,
    beside: Vec<(String, u64)>,
}

/// Rows beside the state of a chat.
pub(super) struct Beside<'a> {
    pub(super) chats: &'a SecretChats,
    pub(super) records: &'a mut dyn Records,
    pub(super) tag: &'a [u8; TAG_LEN],
}

impl Beside<'_> {
    /// The message of ours with this number; what stands in a chat's state must be there.
    pub(super) fn sent(&mut self, chat: &Chat, number: u32) -> Result<Sent, Failure> {
        let opened = self.opened(&layout::sent(self.tag, number))?;
        let (sent, is_replaced) = record::decode_sent(opened.expose())?;
        if sent.number != number || is_replaced != chat.is_replaced(number) {
            return Err(StoreError::Corruption.into());
        }
        Ok(sent)
    }

    fn opened(&mut self, name: &str) -> Result<SecretBytes, Failure> {
        let stored = self.records.get(name)?.ok_or(StoreError::Corruption)?;
        Ok(self.chats.vault.sealer().open(name, stored.revision, &stored.sealed)?)
    }

    /// The revision of a row that must be there.
    fn revision(&mut self, name: &str) -> Result<u64, Failure> {
        Ok(self.records.get(name)?.ok_or(StoreError::Corruption)?.revision)
    }
}

impl Shelf for Beside<'_> {
    fn waiting(&mut self, number: u32) -> Result<(i64, SecretBytes), Failure> {
        let opened = self.opened(&layout::waiting(self.tag, number))?;
        Ok(record::decode_waiting(opened.expose())?)
    }
}

impl SecretChats {
    /// The record of a chat, and its revision; [`Error::NoSession`] if there is none.
    pub(super) fn record(
        &self,
        id: ChatId,
        records: &mut dyn Records,
    ) -> Result<(u64, Record), Failure> {
        let name = layout::chat(id);
        let (revision, opened) = self.vault.read_member(records, &name)?.ok_or(Error::NoSession)?;
        Ok((revision, Record::decode(opened.expose())?))
    }

    /// What seals the state of a chat.
    pub(super) fn state_sealer(&self, id: ChatId) -> RecordSealer {
        self.vault.sealer().record(&layout::state(id))
    }

    /// The state of a chat, and its revision.
    pub(super) fn state(
        &mut self,
        sealer: &RecordSealer,
        records: &mut dyn Records,
    ) -> Result<(u64, Chat), Failure> {
        let (stored, opened) = self.vault.read_head_of(records, sealer)?;
        Ok((stored.revision, Chat::decode(opened.expose())?))
    }

    /// A chat that can send and receive; [`Error::NoSession`] if there is none, or if the other end
    /// has not answered yet.
    pub(super) fn load(
        &mut self,
        id: ChatId,
        records: &mut dyn Records,
    ) -> Result<Loaded, Failure> {
        self.vault.refresh(records)?;
        let (_, record) = self.record(id, records)?;
        if !matches!(record.phase, Phase::Ready(_)) {
            return Err(Error::NoSession.into());
        }
        let sealer = self.state_sealer(id);
        let (revision, chat) = self.state(&sealer, records)?;
        Ok(Loaded { id, record, sealer, revision, chat })
    }

    /// Adds the state of a chat, and what a step has done beside it.
    pub(super) fn put(
        &self,
        loaded: &Loaded,
        effects: &Effects,
        records: &mut dyn Records,
        (draft, learnt): (&mut Draft<'_>, &mut Learnt),
    ) -> Result<(), Failure> {
        let Loaded { record, sealer, revision: base, chat, .. } = loaded;
        let revision = match base {
            0 => self.vault.next_index_revision()?,
            before => before.checked_add(1).ok_or(Error::Exhausted)?,
        };
        let seen = draft.put_sealed(sealer, *base, revision, &chat.encode())?;
        learnt.rows.push((sealer.name().to_owned(), Some(seen)));
        // Numbers of messages are used up, or the other end's: neither may come again.
        draft.spend(1);
        let mut beside = Beside { chats: self, records, tag: &record.tag };
        for sent in &effects.sent {
            put_sent(sent, chat, &mut beside, draft)?;
        }
        if let Some((number, fingerprint, body)) = &effects.kept {
            let waiting = record::encode_waiting(*fingerprint, body);
            draft.put(&layout::waiting(&record.tag, *number), 0, 1, &waiting)?;
        }
        for number in effects.acknowledged.clone() {
            let name = layout::sent(&record.tag, number);
            draft.delete(&name, beside.revision(&name)?);
        }
        for number in &effects.taken {
            let name = layout::waiting(&record.tag, *number);
            draft.delete(&name, beside.revision(&name)?);
        }
        Ok(())
    }

    /// The step that saves a chat whose record stays as it is.
    pub(super) fn saved<T>(
        &mut self,
        (loaded, effects): (&Loaded, &Effects),
        value: T,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<T>>, Failure> {
        let mut learnt = Learnt::default();
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        self.put(loaded, effects, environment.records, (&mut draft, &mut learnt))?;
        let drafted = draft.finish();
        self.vault.drafted((drafted, learnt), value, environment)
    }

    /// All records of a chat; [`Error::NoSession`] if there is none.
    pub(super) fn kept_of(
        &mut self,
        id: ChatId,
        records: &mut dyn Records,
    ) -> Result<KeptRows, Failure> {
        let (revision, record) = self.record(id, records)?;
        let member = (layout::chat(id), revision);
        let state = match record.phase {
            Phase::Offered(_) => None,
            Phase::Ready(_) => {
                let (stored, _) = self.vault.read_head(records, &layout::state(id))?;
                Some((layout::state(id), stored.revision))
            }
        };
        let mut beside = records.list(&layout::all_sent(&record.tag))?;
        beside.extend(records.list(&layout::all_waiting(&record.tag))?);
        Ok(KeptRows { member, state, beside })
    }

    /// Deletes all records of a chat, and takes it out of `index`; the caller saves that.
    pub(super) fn delete(
        &self,
        kept: &KeptRows,
        index: &mut Index,
        (draft, learnt): (&mut Draft<'_>, &mut Learnt),
    ) -> Result<(), Failure> {
        for (name, revision) in &kept.beside {
            draft.delete(name, *revision);
        }
        if let Some((name, revision)) = &kept.state {
            draft.delete(name, *revision);
            learnt.rows.push((name.clone(), None));
            draft.spend(1);
        }
        self.vault.delete_member(kept.member.clone(), index, (draft, learnt))
    }
}

/// A message of ours, which is new or takes the place of one before.
fn put_sent(
    sent: &Sent,
    chat: &Chat,
    beside: &mut Beside<'_>,
    draft: &mut Draft<'_>,
) -> Result<(), Failure> {
    let name = layout::sent(beside.tag, sent.number);
    let is_replaced = chat.is_replaced(sent.number);
    let base = if is_replaced { beside.revision(&name)? } else { 0 };
    let revision = base.checked_add(1).ok_or(Error::Exhausted)?;
    draft.put(&name, base, revision, &record::encode_sent(sent, is_replaced))?;
    Ok(())
}
