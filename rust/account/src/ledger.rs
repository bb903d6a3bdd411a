// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ledger: which messages were opened, so that a repeated delivery is known from a forged
//! duplicate (docs/storage.md, "Receiving").
//!
//! An entry's name holds the day of its making and a keyed hash over the sender and the ratchet
//! message with its tag: only exactly the same message finds it. It is asked only when the ratchet
//! has refused a message, and forgotten after 30 days.

use e2ee_primitives::{hmac::HmacKey, secret::SecretBytes};
use e2ee_state::Failure;
use e2ee_wire::Error;

use crate::{Device, Environment, Protocol, Vault, draft::Draft, inbox::Delivery, names};

/// How long a repeated delivery is recognized.
pub const REMEMBERED_DAYS: u64 = 30;
/// A day in milliseconds.
pub const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

const fn day(now_ms: u64) -> u64 {
    now_ms / DAY_MS
}

fn entry_name(day: u64, key: &str) -> String {
    format!("{}{day:08x}/{key}", names::LEDGER_PREFIX)
}

/// Whether a record of this name and content is an entry.
#[must_use]
pub fn is_entry(name: &str, content: &[u8]) -> bool {
    let mut words = name.split('/').skip(1);
    let is_hex = |word: Option<&str>, length| {
        word.is_some_and(|word| {
            word.len() == length && word.bytes().all(|digit| digit.is_ascii_hexdigit())
        })
    };
    let is_named = is_hex(words.next(), 8) && is_hex(words.next(), 64) && words.next().is_none();
    is_named && is_hex(core::str::from_utf8(content).ok(), 28)
}

/// How an account names messages in its ledger, and when it has last looked for old ones.
#[derive(Debug)]
pub struct Ledger {
    hash: HmacKey,
    pruned_day: u64,
}

/// What became of an envelope of a protocol's.
pub type Delivered<P> = Delivery<<P as Protocol>::Device, <P as Protocol>::Content>;

impl Ledger {
    /// The ledger under this key, which no look for old entries was made in yet.
    #[must_use]
    pub const fn new(hash: HmacKey) -> Self {
        Self { hash, pruned_day: 0 }
    }

    /// The keyed hash by which a message is found again, of which the ratchet's part is given.
    pub fn key<D: Device>(
        &self,
        (user, device): (&str, &D),
        message: &[u8],
    ) -> Result<String, Error> {
        let sender = names::peer(user, device);
        let length = u64::try_from(sender.len()).map_err(|_| Error::InvalidArgument)?;
        let hash = self.hash.tag(&[&length.to_be_bytes(), sender.as_bytes(), message]);
        Ok(names::hex(&hash))
    }

    /// Adds the entry of a message that goes into the inbox under this id.
    pub fn put(
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
    pub fn delivered_before<P: Protocol>(
        vault: &Vault<P>,
        key: &str,
        refusal: Error,
        environment: &mut Environment<'_>,
    ) -> Result<Delivered<P>, Failure> {
        let today = day(environment.now_ms);
        for past in 0..=REMEMBERED_DAYS {
            let name = entry_name(today.saturating_sub(past), key);
            let Some(stored) = environment.records.get(&name)? else { continue };
            let id = vault.sealer().open(&name, stored.revision, &stored.sealed)?;
            let id = core::str::from_utf8(id.expose()).map_err(|_| Error::CorruptState)?;
            let entry = vault.inbox_entry(id, environment.records)?;
            return Ok(entry.map_or(Delivery::Handled, Delivery::Waiting));
        }
        Err(refusal.into())
    }

    /// Once a day, the entries that are too old; a step that is undone leaves them another day.
    pub fn expired(
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
