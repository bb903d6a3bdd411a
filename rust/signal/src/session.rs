// SPDX-License-Identifier: MIT OR Apache-2.0
//! One pairwise session: its start in both roles, and its messages (signal.md §5 and §6).

use e2ee_primitives::{kyber1024, random::Random, secret::SecretBytes, x25519};
use e2ee_ratchet::{
    Budget, DoubleRatchet,
    agreement::{Agreements, ResponderKeys},
};
use e2ee_wire::Error;

use crate::{
    address::{Address, address_block},
    bundle::VerifiedBundle,
    keys::encode_ec,
    limits::{
        ENVELOPE_STEPS, ENVELOPE_STEPS_WITH_SELF, MAX_JUMP, MAX_JUMP_WITH_SELF,
        MAX_UNACKNOWLEDGED_SECONDS,
    },
    message::RatchetMessage,
    phase::{Origin, Pending, Phase},
    pqxdh::{self, SessionSecrets},
    prekey_message::{Outer, PreKeyMessage},
    spqr::{Role, Spqr},
    triple::{Bound, Triple},
};

/// The two ends of a session, as this device names them.
#[derive(Clone, Debug)]
pub struct Parties {
    /// This device.
    pub ours: Address,
    /// The other one.
    pub theirs: Address,
}

/// An encrypted message.
#[derive(Debug, PartialEq, Eq)]
pub enum Ciphertext {
    /// Kind 2: a ratchet message.
    Ratchet(Vec<u8>),
    /// Kind 3: a prekey message, until the first answer.
    PreKey(Vec<u8>),
}

/// A session with one device of a peer. It cannot be copied: a copy would use keys twice.
#[derive(Debug)]
pub struct Session {
    pub(crate) our_identity: x25519::PublicKey,
    pub(crate) their_identity: x25519::PublicKey,
    pub(crate) our_registration_id: u32,
    pub(crate) their_registration_id: u32,
    pub(crate) base_key: x25519::PublicKey,
    pub(crate) phase: Phase,
    pub(crate) triple: Triple,
    pub(crate) head_generation: u64,
    pub(crate) start_generation: u64,
    /// Message keys that have encrypted since the session was made or loaded.
    pub(crate) spent: u64,
}

/// This device's long-term key and registration id.
#[derive(Clone, Copy, Debug)]
pub struct OurIdentity<'a> {
    /// The identity key pair.
    pub key: &'a x25519::PrivateKey,
    /// The registration id.
    pub registration_id: u32,
}

impl Session {
    /// Starts a session from the peer's bundle at `now`, in seconds since the Unix epoch
    /// (signal.md §5.2).
    pub fn initiate(
        ours: OurIdentity<'_>,
        parties: &Parties,
        bundle: &VerifiedBundle<'_>,
        now: u64,
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        let bundle = bundle.get();
        let base = x25519::PrivateKey::random(random)?;
        let theirs = ResponderKeys {
            identity: bundle.identity_key,
            prekey: bundle.signed.key,
            one_time: bundle.one_time.as_ref().map(|one_time| one_time.key),
        };
        let agreements = Agreements::initiate(ours.key, &base, &theirs)?;
        let (kyber_ciphertext, kem_secret) = kyber1024::encapsulate(&bundle.kyber_key, random)?;
        let SessionSecrets { root, pq_auth_key, .. } = pqxdh::derive(&agreements, &kem_secret);
        let max_jump = max_jump(ours.key.public(), &bundle.identity_key, parties);
        let ratchet_key = x25519::PrivateKey::random(random)?;
        let ratchet = DoubleRatchet::initiate(&root, ratchet_key, &bundle.signed.key, max_jump)?;
        let pending = Pending {
            one_time_id: bundle.one_time.as_ref().map(|one_time| one_time.id),
            signed_id: bundle.signed.id,
            kyber_id: bundle.kyber_id,
            kyber_ciphertext,
            created: now,
        };
        Ok(Self {
            our_identity: *ours.key.public(),
            their_identity: bundle.identity_key,
            our_registration_id: ours.registration_id,
            their_registration_id: bundle.registration_id,
            base_key: *base.public(),
            phase: Phase::Unacknowledged(pending),
            triple: Triple::new(ratchet, Spqr::new(&pq_auth_key, Role::Initiator, max_jump)),
            head_generation: 0,
            start_generation: 0,
            spent: 0,
        })
    }

    /// Makes the session that a prekey message asks for, before its ratchet message is opened
    /// (signal.md §5.3 and §5.4 steps 4 and 5).
    pub fn accept(
        ours: OurIdentity<'_>,
        parties: &Parties,
        keys: &AcceptingKeys<'_>,
        outer: &Outer<'_>,
    ) -> Result<Self, Error> {
        if !outer.base_key.is_canonical() {
            return Err(Error::InvalidKey);
        }
        let our_keys =
            ResponderKeys { identity: ours.key, prekey: keys.signed, one_time: keys.one_time };
        let agreements = Agreements::respond(&our_keys, &outer.identity_key, &outer.base_key)?;
        let kem_secret = keys.kyber.decapsulate(outer.kyber_ciphertext);
        let SessionSecrets { root, chain, pq_auth_key } = pqxdh::derive(&agreements, &kem_secret);
        let max_jump = max_jump(ours.key.public(), &outer.identity_key, parties);
        let ratchet = DoubleRatchet::ours(root, keys.signed.duplicate(), chain, max_jump);
        Ok(Self {
            our_identity: *ours.key.public(),
            their_identity: outer.identity_key,
            our_registration_id: ours.registration_id,
            their_registration_id: outer.registration_id,
            base_key: outer.base_key,
            phase: Phase::Established(Origin::Accepted { outer_digest: outer.digest() }),
            triple: Triple::new(ratchet, Spqr::new(&pq_auth_key, Role::Responder, max_jump)),
            head_generation: 0,
            start_generation: 0,
            spent: 0,
        })
    }

    /// Encrypts `plaintext` at `now`, in seconds since the Unix epoch (signal.md §6.5).
    ///
    /// [`Error::NoSession`] if the peer has not answered for more than 30 days, or if the session
    /// is retired.
    pub fn encrypt(
        &mut self,
        parties: &Parties,
        plaintext: &[u8],
        now: u64,
        random: &mut dyn Random,
    ) -> Result<Ciphertext, Error> {
        if !self.is_fresh(now) {
            return Err(Error::NoSession);
        }
        let block = match &self.phase {
            Phase::Unacknowledged(_) => address_block(&parties.ours, &parties.theirs),
            Phase::Established(_) | Phase::Retired(_) => None,
        };
        let bound = Bound {
            sender_identity: encode_ec(&self.our_identity),
            recipient_identity: encode_ec(&self.their_identity),
            addresses: block.as_ref(),
        };
        let message = self.triple.encrypt(&bound, plaintext, random)?;
        self.head_generation = self.head_generation.wrapping_add(1);
        self.spent = self.spent.wrapping_add(1);
        Ok(match &self.phase {
            Phase::Unacknowledged(pending) => {
                Ciphertext::PreKey(self.outer(pending).wrap(&message))
            }
            Phase::Established(_) | Phase::Retired(_) => Ciphertext::Ratchet(message),
        })
    }

    /// Opens a ratchet message; an error has changed nothing (signal.md §6.6).
    pub fn decrypt(
        &mut self,
        parties: &Parties,
        message: &RatchetMessage<'_>,
        budget: &mut Budget,
    ) -> Result<SecretBytes, Error> {
        // Only what a message claims is compared with it.
        let block = message.addresses.and_then(|_| address_block(&parties.theirs, &parties.ours));
        let bound = Bound {
            sender_identity: encode_ec(&self.their_identity),
            recipient_identity: encode_ec(&self.our_identity),
            addresses: block.as_ref(),
        };
        let plaintext = self.triple.decrypt(&bound, message, budget)?;
        self.head_generation = self.head_generation.wrapping_add(1);
        self.acknowledge();
        Ok(plaintext)
    }

    /// Opens a prekey message of this session, whose base key matches (signal.md §5.4 step 3).
    ///
    /// Unlike the reference client, the outer fields must be those of the first one:
    /// [`Error::Forged`] if not.
    pub fn decrypt_prekey(
        &mut self,
        parties: &Parties,
        message: &PreKeyMessage<'_>,
        budget: &mut Budget,
    ) -> Result<SecretBytes, Error> {
        match &self.phase {
            Phase::Established(Origin::Accepted { outer_digest })
            | Phase::Retired(Origin::Accepted { outer_digest })
                if *outer_digest == message.outer.digest() =>
            {
                self.decrypt(parties, &message.message, budget)
            }
            _ => Err(Error::Forged),
        }
    }

    /// Forgets what prekey messages repeat: the peer has answered, or the session is archived.
    pub(crate) fn acknowledge(&mut self) {
        if let Phase::Unacknowledged(_) = self.phase {
            self.phase = Phase::Established(Origin::Initiated);
            self.head_generation = self.head_generation.wrapping_add(1);
            self.start_generation = self.start_generation.wrapping_add(1);
        }
    }

    /// Never sends again, and opens as before; forgets what prekey messages repeat.
    pub fn retire(&mut self) {
        self.acknowledge();
        if let Phase::Established(origin) = self.phase {
            self.phase = Phase::Retired(origin);
            self.head_generation = self.head_generation.wrapping_add(1);
            self.start_generation = self.start_generation.wrapping_add(1);
        }
    }

    /// Whether the session never sends again.
    #[must_use]
    pub const fn is_retired(&self) -> bool {
        matches!(self.phase, Phase::Retired(_))
    }

    /// How many seeds of late messages are kept.
    #[must_use]
    pub fn skipped_len(&self) -> usize {
        self.triple.ratchet.skipped_len()
    }

    /// Forgets the seeds and keys of late messages.
    pub(crate) fn forget_skipped(&mut self) {
        self.triple.ratchet.forget_skipped();
        self.triple.pq.forget_skipped();
        self.head_generation = self.head_generation.wrapping_add(1);
    }

    /// Whether the session may still be sent on at `now` (signal.md §6.5).
    #[must_use]
    pub const fn is_fresh(&self, now: u64) -> bool {
        match &self.phase {
            Phase::Unacknowledged(pending) => {
                pending.created.saturating_add(MAX_UNACKNOWLEDGED_SECONDS) >= now
            }
            Phase::Established(_) => true,
            Phase::Retired(_) => false,
        }
    }

    /// Whether a receiving chain exists under the message's ratchet key: then the message belongs
    /// to this session or to none.
    #[must_use]
    pub fn knows(&self, message: &RatchetMessage<'_>) -> bool {
        self.triple.ratchet.knows(&message.header.ratchet_key)
    }

    /// The ratchet key that we send under; none after a new one of the peer, until we send again.
    #[must_use]
    pub const fn our_ratchet_key(&self) -> Option<&x25519::PublicKey> {
        self.triple.ratchet.our_key()
    }

    /// The identity key that the session authenticates.
    #[must_use]
    pub const fn their_identity(&self) -> &x25519::PublicKey {
        &self.their_identity
    }

    /// Our identity key and theirs.
    #[must_use]
    pub const fn identities(&self) -> (&x25519::PublicKey, &x25519::PublicKey) {
        (&self.our_identity, &self.their_identity)
    }

    /// The peer's registration id.
    #[must_use]
    pub const fn their_registration_id(&self) -> u32 {
        self.their_registration_id
    }

    /// The initiator's base key, by which prekey messages find their session.
    #[must_use]
    pub const fn base_key(&self) -> &x25519::PublicKey {
        &self.base_key
    }

    /// The epoch of the post-quantum ratchet, from 1, and the messages since it began.
    #[must_use]
    pub const fn pq_progress(&self) -> (u64, u64) {
        (self.triple.pq.epoch(), self.triple.pq.messages_since_epoch())
    }

    /// Changes whenever the stored form of one of the parts would.
    #[must_use]
    pub const fn generations(&self) -> Generations {
        let ratchet = &self.triple.ratchet;
        let pq = &self.triple.pq;
        Generations {
            head: self.head_generation,
            objects: self.start_generation.wrapping_add(pq.objects_generation()),
            state: self.start_generation.wrapping_add(pq.generations().turns),
            replaced: pq.generations().replaced,
            chains: ratchet.older_generation(),
            skipped: ratchet.skipped_generation().wrapping_add(pq.skipped_generation()),
        }
    }

    fn outer<'a>(&'a self, pending: &'a Pending) -> Outer<'a> {
        Outer {
            one_time_id: pending.one_time_id,
            base_key: self.base_key,
            identity_key: self.our_identity,
            registration_id: self.our_registration_id,
            signed_id: pending.signed_id,
            kyber_id: pending.kyber_id,
            kyber_ciphertext: &pending.kyber_ciphertext,
        }
    }
}

/// Change counters of the stored parts of a session; they start anew when it is loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generations {
    /// Of the head, which every message rewrites.
    pub head: u64,
    /// Of the post-quantum objects with their chunks, and the pending start.
    pub objects: u64,
    /// Of the same without the chunks, and of what names the session.
    pub state: u64,
    /// Of chunks that took the place of others.
    pub replaced: u64,
    /// Of the receiving chains before the newest.
    pub chains: u64,
    /// Of the skipped seeds and keys.
    pub skipped: u64,
}

/// The private keys that a prekey message names.
#[derive(Debug)]
pub struct AcceptingKeys<'a> {
    /// The signed prekey.
    pub signed: &'a x25519::PrivateKey,
    /// The one-time prekey, if one was used.
    pub one_time: Option<&'a x25519::PrivateKey>,
    /// The Kyber prekey.
    pub kyber: &'a kyber1024::DecapsulationKey,
}

/// What one envelope between these parties may cost before it authenticates.
#[must_use]
pub fn envelope_budget(
    our_identity: &x25519::PublicKey,
    their_identity: &x25519::PublicKey,
    parties: &Parties,
) -> Budget {
    Budget::new(if is_self(our_identity, their_identity, parties) {
        ENVELOPE_STEPS_WITH_SELF
    } else {
        ENVELOPE_STEPS
    })
}

fn max_jump(
    our_identity: &x25519::PublicKey,
    their_identity: &x25519::PublicKey,
    parties: &Parties,
) -> u32 {
    if is_self(our_identity, their_identity, parties) { MAX_JUMP_WITH_SELF } else { MAX_JUMP }
}

/// Whether both ends are devices of one account (signal.md §6.6 step 4).
fn is_self(
    our_identity: &x25519::PublicKey,
    their_identity: &x25519::PublicKey,
    parties: &Parties,
) -> bool {
    our_identity == their_identity && parties.ours.name() == parties.theirs.name()
}
