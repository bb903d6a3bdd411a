// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sending on a session at rest, without a transaction: its head changes if it and the index are
//! the rows that are known (docs/storage.md, "Sessions at rest").

use e2ee_state::{Change, Stored, Write};

use crate::{
    Learnt, LoadedPeer, Outcome, Protocol, StoredSession, Vault, draft::Draft, names, outcome::At,
};

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

impl<P: Protocol> Vault<P> {
    /// Whether the next message changes the head alone, which is the newest that is known.
    fn may_send(&self, loaded: &LoadedPeer<P>) -> bool {
        let seen = loaded.sending().and_then(|saved| Some((saved, saved.seen().ok()?)));
        seen.is_some_and(|(saved, seen)| self.memory.check(saved.name(), seen).is_ok())
            && loaded.sessions.current().is_some_and(StoredSession::sends_in_place)
    }

    /// A step of one record, made by `encrypt` on the sessions with a peer without reading: what is
    /// known of the index and the session must be found again by whoever makes the exchange.
    ///
    /// `None` wherever reading may be needed, also to say why not: then nothing has changed but the
    /// rest of the sessions.
    pub fn exchange<T>(
        &mut self,
        (user, device): (&str, &P::Device),
        (now_ms, random): At<'_>,
        encrypt: impl FnOnce(&mut LoadedPeer<P>, At<'_>) -> Option<T>,
    ) -> Option<(Exchange, Outcome<T>)> {
        if self.index.anchored {
            return None;
        }
        let peer = names::peer(user, device);
        let mut loaded = self.resting.take(&peer)?;
        if self.revision_of(&peer) != Some(loaded.revision) || !self.may_send(&loaded) {
            self.resting.put(peer, loaded.revision, loaded);
            return None;
        }
        let before = loaded.take_sending_head()?;
        let value = encrypt(&mut loaded, (now_ms, &mut *random))?;
        let mut draft = Draft::new(self.sealer(), random);
        let mut learnt = Learnt::default();
        self.save_moved(&mut loaded, &mut draft, &mut learnt).ok()?;
        let mut writes = draft.finish().writes;
        let Write { name, base, change: Change::Put { revision, sealed } } = writes.pop()? else {
            return None;
        };
        if !writes.is_empty() || base != before.revision {
            return None;
        }
        self.resting.put(peer, loaded.revision, loaded);
        let exchange = Exchange {
            name,
            before,
            after: Stored { revision, sealed },
            witness_name: names::INDEX,
            witness: self.index_row.clone(),
        };
        Some((exchange, Outcome::unspent(value, learnt)))
    }
}
