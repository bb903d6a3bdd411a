// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys of rooms for a backup, a file or another device, and from there (olm_megolm.md §5 and §7).

use e2ee_account::{Environment, Learnt, Outcome, draft::Draft};
use e2ee_primitives::{ed25519, secret::SecretBytes, x25519};
use e2ee_state::{Failure, Overlay, Records, Step, StoreError};
use e2ee_wire::Error;

use crate::{limits::MAX_FORWARDERS, megolm::InboundGroupSession};

use super::{
    super::{Placed, RoomId, StoredAccount},
    KeptKey,
    kept_key::{KeyFacts, Origin},
};

/// A key of a room as it is exported, from the first message on that opens under it.
#[derive(Debug)]
pub struct ForeignKey {
    /// The room.
    pub room: RoomId,
    /// The Curve25519 key of the device that has the session, or is said to.
    pub sender: x25519::PublicKey,
    /// The Ed25519 key that the device has, or is said to have.
    pub signing_key: Option<ed25519::PublicKey>,
    /// The Curve25519 keys of the devices that gave it on.
    pub forwarders: Vec<x25519::PublicKey>,
    /// The session's id, 32 bytes.
    pub session_id: [u8; 32],
    /// The export, 165 bytes.
    pub session_key: SecretBytes,
    /// Whether it came from its sender itself; what is imported never did.
    pub is_authenticated: bool,
}

/// What became of a key that was to be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was not known, or opens earlier messages than were known.
    New,
    /// Nothing in it was new.
    Known,
}

impl StoredAccount {
    /// The keys of all rooms, or of one, in the order of rooms' and sessions' names.
    pub fn export_room_keys(
        &mut self,
        room: Option<&RoomId>,
        records: &mut dyn Records,
    ) -> Result<Vec<ForeignKey>, Failure> {
        self.vault.refresh(records)?;
        let mut exported = Vec::new();
        for (name, _) in self.key_names(room) {
            let KeptKey { facts, session, .. } =
                self.load_key(&name, records)?.ok_or(StoreError::Corruption)?;
            let KeyFacts { room, sender, signing_key, origin, forwarders } = facts;
            exported.push(ForeignKey {
                room,
                sender,
                signing_key,
                forwarders,
                session_id: *session.session_id(),
                session_key: session.export_at(session.first_known_index())?,
                is_authenticated: origin == Origin::Sender,
            });
        }
        Ok(exported)
    }

    /// Takes keys in, in one step, each in its order; nothing says whose they are.
    ///
    /// A key that is refused changes nothing: [`Error::Malformed`] if it is none, or of another
    /// session than it says; [`Error::InvalidKey`] if it cannot be used, or another one is known
    /// under its id; [`Error::Exhausted`] if the room or the sender has too many.
    pub fn import_room_keys(
        &mut self,
        keys: Vec<Placed<ForeignKey>>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Placed<Taken>>>>, Failure> {
        self.vault.refresh(environment.records)?;
        let mut overlay = Overlay::new(environment.records);
        let (mut results, mut learnt) = (Vec::with_capacity(keys.len()), Learnt::default());
        for key in keys {
            let random = &mut *environment.random;
            let now_ms = environment.now_ms;
            let mut inside = Environment { records: &mut overlay, random, now_ms };
            let taken = key.map_err(Failure::from).and_then(|key| self.import(key, &mut inside));
            match taken {
                Ok(Step { writes, result }) => {
                    overlay.apply(writes)?;
                    let (taken, mut more) = result.apart();
                    learnt.rows.append(&mut more.rows);
                    results.push(Ok(taken));
                }
                Err(Failure::Protocol(refusal)) => results.push(Err(refusal)),
                Err(failure @ Failure::Store(_)) => return Err(failure),
            }
        }
        Ok(self.vault.kept(overlay.finish(), Outcome::unspent(results, learnt)))
    }

    fn import(
        &mut self,
        key: ForeignKey,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Taken>>, Failure> {
        let ForeignKey { room, sender, signing_key, forwarders, session_id, session_key, .. } = key;
        let session = InboundGroupSession::from_export(session_key.expose())?;
        if *session.session_id() != session_id || forwarders.len() > MAX_FORWARDERS {
            return Err(Error::Malformed.into());
        }
        let facts = KeyFacts { room, sender, signing_key, origin: Origin::Import, forwarders };
        let (kept, is_new) = self.taken_in(KeptKey::new(facts, session), environment.records)?;
        if !is_new {
            let outcome = Outcome::unspent(Taken::Known, Learnt::default());
            return Ok(self.vault.kept(Vec::new(), outcome));
        }
        let mut index = self.vault.index();
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        self.save_key(&kept, &mut index, &mut draft, &mut learnt)?;
        self.vault.put_changed_index(index, &mut draft, &mut learnt)?;
        self.vault.drafted((draft.finish(), learnt), Taken::New, environment)
    }
}
