// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a store that was set back ends, whatever its protocol: no key that the lost past may have
//! used is used again (docs/storage.md, "Healing").
//!
//! Sessions receive and never send again, and what waits to be posted is dropped. Trust, the inbox
//! and the ledger stay.

use e2ee_primitives::random::Random;
use e2ee_state::{Failure, Records, Step};
use e2ee_wire::Error;

use crate::{
    Learnt, LoadedPeer, Outcome, Peer, Protocol, Vault,
    anchoring::Begun,
    draft::{Draft, Drafted},
    index::Index,
    names,
};

/// A retired peer, and its record as it was.
type Retired<P> = (Box<LoadedPeer<P>>, Peer<<P as Protocol>::Identity>);

/// What is ended, before it is written.
pub struct Healing<P: Protocol> {
    begun: Option<Begun>,
    /// The revision of a generation that goes, since the store has no anchor from then on.
    untied: Option<u64>,
    peers: Vec<Retired<P>>,
    /// The records of the outbox.
    outbox: Vec<(String, u64)>,
}

impl<P: Protocol> Vault<P> {
    /// Retires the sessions with all peers. The store agrees with its anchor in the state that has
    /// `begun`; without one it has no anchor from then on.
    pub fn heal(
        &mut self,
        begun: Option<Begun>,
        parties: impl Fn(&str, &P::Device) -> Result<P::Parties, Error>,
        records: &mut dyn Records,
    ) -> Result<Healing<P>, Failure> {
        let untied = records.get(names::GENERATION)?.filter(|_| begun.is_none());
        let mut peers = Vec::new();
        for (name, _) in records.list(names::PEER_PREFIX)? {
            let (user, device) = names::peer_of::<P::Device>(&name)?;
            let loaded = self.load_peer(records, (user, &device), || parties(user, &device))?;
            let Some(mut loaded) = loaded else { continue };
            let before = loaded.peer.clone();
            loaded.sessions.retire_all();
            peers.push((loaded, before));
        }
        let outbox = records.list(names::OUTBOX_PREFIX)?;
        Ok(Healing { begun, untied: untied.map(|stored| stored.revision), peers, outbox })
    }
}

impl<P: Protocol> Healing<P> {
    /// The peers to which nothing can be sent until the application connects again.
    #[must_use]
    pub fn peers(&self) -> Vec<(String, P::Device)> {
        self.peers.iter().map(|(peer, _)| (peer.user.clone(), peer.device.clone())).collect()
    }

    /// The names of the outbox's entries that are dropped.
    #[must_use]
    pub fn dropped(&self) -> Vec<String> {
        let ids =
            self.outbox.iter().filter_map(|(name, _)| name.strip_prefix(names::OUTBOX_PREFIX));
        ids.map(str::to_owned).collect()
    }

    /// Adds what ends to the draft, and takes it into `index`; the caller saves that.
    pub fn save(
        &mut self,
        vault: &Vault<P>,
        index: &mut Index,
        (draft, learnt): (&mut Draft<'_>, &mut Learnt),
    ) -> Result<(), Failure> {
        index.anchored = self.begun.is_some();
        for (loaded, before) in &mut self.peers {
            vault.save_sessions(loaded, (Some(before), &mut *index), draft, learnt)?;
        }
        if let Some(revision) = self.untied {
            draft.delete(names::GENERATION, revision);
            learnt.rows.push((names::GENERATION.to_owned(), None));
        }
        for (name, revision) in &self.outbox {
            draft.delete(name, *revision);
        }
        Ok(())
    }

    /// The step with these writes, and the state of the store that the anchor is told of.
    pub fn finish<T>(
        self,
        vault: &mut Vault<P>,
        (drafted, mut learnt): (Drafted, Learnt),
        value: T,
        random: &mut dyn Random,
    ) -> Result<Step<Outcome<T>>, Failure> {
        let mut writes = drafted.writes;
        let put = |begun| vault.put_generation(begun, (&mut writes, &mut learnt), random);
        let moved = self.begun.map(put).transpose()?;
        Ok(vault.kept(writes, Outcome::new(value, learnt, moved)))
    }
}
