// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ledger: which messages were opened, so that a repeated delivery is known from a forged
//! duplicate (docs/storage.md, "Receiving").
//!
//! An entry's name holds the day of its making and a keyed hash over the sender and the ratchet
//! message with its tag: only exactly the same message finds it. It is asked only when the ratchet
//! has refused a message, and forgotten after 30 days.

use e2ee_primitives::secret::SecretBytes;
use e2ee_state::Failure;
use e2ee_wire::Error;

use crate::{DeviceId, PreKeyMessage, envelope::Kind};

use super::{Account, Environment, draft::Draft, names, receive::Delivery};

/// How long a repeated delivery is recognized.
pub const REMEMBERED_DAYS: u64 = 30;
/// A day in milliseconds.
pub(super) const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

pub(super) const fn day(now_ms: u64) -> u64 {
    now_ms / DAY_MS
}

fn entry_name(day: u64, key: &str) -> String {
    format!("{}{day:08x}/{key}", names::LEDGER_PREFIX)
}

/// Whether a record of this name and content is an entry.
pub(super) fn is_entry(name: &str, content: &[u8]) -> bool {
    let mut words = name.split('/').skip(1);
    let is_hex = |word: Option<&str>, length| {
        word.is_some_and(|word| {
            word.len() == length && word.bytes().all(|digit| digit.is_ascii_hexdigit())
        })
    };
    let is_named = is_hex(words.next(), 8) && is_hex(words.next(), 64) && words.next().is_none();
    is_named && is_hex(core::str::from_utf8(content).ok(), 28)
}

impl Account {
    /// The keyed hash by which a message is found again.
    pub(super) fn ledger_key(
        &self,
        (user, device): (&str, DeviceId),
        (kind, message): (Kind, &[u8]),
    ) -> Result<String, Error> {
        let message = match kind {
            Kind::PreKey => PreKeyMessage::decode(message)?.inner,
            _ => message,
        };
        let sender = names::peer(user, device);
        let length = u64::try_from(sender.len()).map_err(|_| Error::InvalidArgument)?;
        let hash = self.ledger_hash.tag(&[&length.to_be_bytes(), sender.as_bytes(), message]);
        Ok(names::hex(&hash))
    }

    pub(super) fn put_ledger_entry(
        key: &str,
        now_ms: u64,
        inbox_id: &str,
        draft: &mut Draft<'_>,
    ) -> Result<(), Failure> {
        let content = SecretBytes::new(inbox_id.as_bytes().to_vec());
        draft.put(&entry_name(day(now_ms), key), 0, 1, &content)?;
        Ok(())
    }

    /// What is known of a message that the ratchet has refused.
    pub(super) fn delivered_before(
        &self,
        key: &str,
        refusal: Error,
        environment: &mut Environment<'_>,
    ) -> Result<Delivery, Failure> {
        let today = day(environment.now_ms);
        for past in 0..=REMEMBERED_DAYS {
            let name = entry_name(today.saturating_sub(past), key);
            let Some(stored) = environment.records.get(&name)? else { continue };
            let id = self.vault.sealer().open(&name, stored.revision, &stored.sealed)?;
            let id = core::str::from_utf8(id.expose()).map_err(|_| Error::CorruptState)?;
            let entry = self.inbox_entry(id, environment.records)?;
            return Ok(entry.map_or(Delivery::Handled, Delivery::Waiting));
        }
        Err(refusal.into())
    }

    /// Once a day, the entries that are too old; a step that is undone leaves them another day.
    pub(super) fn expired_ledger_entries(
        &mut self,
        environment: &mut Environment<'_>,
    ) -> Result<Vec<(String, u64)>, Failure> {
        let today = day(environment.now_ms);
        if today <= self.pruned_day {
            return Ok(Vec::new());
        }
        self.pruned_day = today;
        let oldest = entry_name(today.saturating_sub(REMEMBERED_DAYS), "");
        let mut entries = environment.records.list(names::LEDGER_PREFIX)?;
        entries.retain(|(name, _)| *name < oldest);
        Ok(entries)
    }
}
