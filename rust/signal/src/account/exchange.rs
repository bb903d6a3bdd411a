// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sending on a session at rest, without a transaction: its head changes if it and the index are
//! the rows that are known (docs/storage.md, "Sessions at rest").

use e2ee_state::{Change, Stored, Write};

use crate::{DeviceId, Session, envelope::MAX_PLAINTEXT_LEN};

use super::{Account, Learnt, Outcome, draft::Draft, names, send::At, sessions::LoadedPeer};

/// The one record that a step changes, and one that must not have changed either.
#[derive(Debug)]
pub struct Exchange {
    /// The name of the record.
    pub name: String,
    /// The record as it must be found, to the last byte.
    pub before: Stored,
    /// What it becomes.
    pub after: Stored,
    /// The name of the other record.
    pub witness_name: &'static str,
    /// The other record as it must be found, to the last byte.
    pub witness: Stored,
}

impl Account {
    /// [`Account::encrypt`] without reading: what is known of the index and the session must be
    /// found again by whoever makes the exchange.
    ///
    /// `None` wherever reading may be needed, also to say why not: then nothing has changed, and
    /// [`Account::encrypt`] answers. So it does if the rows turn out to be others: then the outcome
    /// is dropped.
    pub fn encrypt_at_rest(
        &mut self,
        peer: (&str, DeviceId),
        plaintext: &[u8],
        at: At<'_>,
    ) -> Option<(Exchange, Outcome<Vec<u8>>)> {
        if plaintext.len() > MAX_PLAINTEXT_LEN {
            return None;
        }
        self.exchange(peer, at, |loaded, at| loaded.encrypt(plaintext, at).ok())
    }

    /// [`Account::encrypt_many`] like [`Account::encrypt_at_rest`], of plaintexts to one peer.
    ///
    /// `None` also if they move more than the sending chain.
    pub fn encrypt_all_at_rest(
        &mut self,
        peer: (&str, DeviceId),
        plaintexts: &[&[u8]],
        at: At<'_>,
    ) -> Option<(Exchange, Outcome<Vec<Vec<u8>>>)> {
        if plaintexts.is_empty() || plaintexts.iter().any(|text| text.len() > MAX_PLAINTEXT_LEN) {
            return None;
        }
        self.exchange(peer, at, |loaded, (now_ms, random)| {
            let encrypt = |plaintext: &&[u8]| {
                let stays = loaded.sessions.current().is_some_and(Session::sends_in_place);
                stays.then(|| loaded.encrypt(plaintext, (now_ms, &mut *random)).ok())?
            };
            plaintexts.iter().map(encrypt).collect()
        })
    }

    /// Whether the next message changes the head alone, which is the newest that is known.
    fn may_send(&self, loaded: &LoadedPeer) -> bool {
        let seen = loaded.sending().and_then(|saved| Some((saved, saved.seen().ok()?)));
        seen.is_some_and(|(saved, seen)| self.vault.memory.check(saved.name(), seen).is_ok())
            && loaded.sessions.current().is_some_and(Session::sends_in_place)
    }

    fn exchange<T>(
        &mut self,
        (user, device): (&str, DeviceId),
        (now_ms, random): At<'_>,
        encrypt: impl FnOnce(&mut LoadedPeer, At<'_>) -> Option<T>,
    ) -> Option<(Exchange, Outcome<T>)> {
        if self.vault.index().anchored {
            return None;
        }
        let peer = names::peer(user, device);
        let mut loaded = self.vault.resting.take(&peer)?;
        if self.vault.revision_of(&peer) != Some(loaded.revision) || !self.may_send(&loaded) {
            self.vault.resting.put(peer, loaded.revision, loaded);
            return None;
        }
        let before = loaded.take_sending_head()?;
        let value = encrypt(&mut loaded, (now_ms, &mut *random))?;
        let mut draft = Draft::new(self.vault.sealer(), random);
        let mut learnt = Learnt::default();
        self.save_moved(&mut loaded, &mut draft, &mut learnt).ok()?;
        let mut writes = draft.finish().writes;
        let Write { name, base, change: Change::Put { revision, sealed } } = writes.pop()? else {
            return None;
        };
        if !writes.is_empty() || base != before.revision {
            return None;
        }
        self.vault.resting.put(peer, loaded.revision, loaded);
        let exchange = Exchange {
            name,
            before,
            after: Stored { revision, sealed },
            witness_name: names::INDEX,
            witness: self.vault.index_row().clone(),
        };
        Some((exchange, Outcome::unspent(value, learnt)))
    }
}

#[cfg(test)]
mod tests;
