// SPDX-License-Identifier: MIT OR Apache-2.0
//! Brings recorded parties into our own stored states, written byte by byte as docs/formats.md
//! describes them and entered through the ordinary readers.

use e2ee_primitives::{Random, Secret, kyber1024, x25519};
use e2ee_ratchet::{
    Budget, DoubleRatchet,
    agreement::{Agreements, ResponderKeys},
};
use e2ee_signal::{
    Address, DeviceId, Parties, PreKeyMessage, PreKeyStock, RatchetMessage, Session, Sessions,
    dialect::Signal,
    limits,
    pqxdh::{self, SessionSecrets},
    session::{OurIdentity, envelope_budget},
    sessions,
    spqr::{Role, Spqr},
};
use e2ee_wire::{Error, record::RecordReader};
use serde_json::Value;

use crate::fields::{array, hex, number, text};

/// Bytes of a session head before its ratchet, without those of the phase.
const HEAD_PREFIX: usize = 1 + 32 + 32 + 4 + 4 + 32;
/// Bytes of each phase after its tag: unacknowledged, initiated, accepted, both retired.
const PHASE_LEN: [usize; 6] = [0, 1 + 4 + 4 + 4 + 8, 0, 32, 0, 32];

/// One recorded party with everything it holds.
pub struct Party {
    /// Its long-term key.
    pub identity: x25519::PrivateKey,
    /// Its registration id.
    pub registration_id: u32,
    /// Its address and the other one.
    pub parties: Parties,
    /// The other one's identity key.
    pub their_identity: x25519::PublicKey,
    /// Its sessions with the other one.
    pub sessions: Sessions,
    /// Its prekeys.
    pub stock: PreKeyStock,
}

impl Party {
    /// The identity as the protocol takes it.
    #[must_use]
    pub fn ours(&self) -> OurIdentity<'_> {
        OurIdentity { key: &self.identity, registration_id: self.registration_id }
    }

    /// Opens a message of kind 2 or 3.
    pub fn receive(&mut self, kind: u64, message: &[u8]) -> Result<Vec<u8>, Error> {
        let plaintext = if kind == 3 {
            let message = PreKeyMessage::decode(message)?;
            if message.outer.identity_key != self.their_identity {
                return Err(Error::UntrustedIdentity);
            }
            let ours = OurIdentity { key: &self.identity, registration_id: self.registration_id };
            let (sessions, stock) = (&mut self.sessions, self.stock.at(0));
            let opened = sessions::decrypt_prekey(sessions, ours, &self.parties, &message, stock)?;
            if let Some(used) = &opened.used {
                self.stock.consume(used);
            }
            opened.plaintext
        } else {
            let message = RatchetMessage::decode(message)?;
            let mut budget = self.budget();
            let trusted = self.their_identity;
            let sessions = &mut self.sessions;
            sessions::decrypt(sessions, &self.parties, &trusted, &message, &mut budget)?
        };
        Ok(plaintext.expose().to_vec())
    }

    fn budget(&self) -> Budget {
        envelope_budget(self.identity.public(), &self.their_identity, &self.parties)
    }
}

/// The address of a recorded party.
#[must_use]
pub fn address(name: &str, device: u64) -> Address {
    let device = DeviceId::new(u32::try_from(device).unwrap()).unwrap();
    Address::new(name, device).unwrap()
}

/// A recorded private key.
#[must_use]
pub fn private_key(value: &Value, field: &str) -> x25519::PrivateKey {
    x25519::PrivateKey::from_bytes(&array(value, field))
}

/// A recorded public key with its type byte.
#[must_use]
pub fn public_key(value: &Value, field: &str) -> x25519::PublicKey {
    e2ee_signal::keys::decode_ec(&hex(value, field)).unwrap()
}

/// Prekeys as a stock stores them (docs/formats.md, "Prekeys"): the Kyber key stands as the
/// last-resort one, so that its number may differ from the one-time key's.
pub struct RecordedPreKeys<'a> {
    /// Number, private key and signature of the signed prekey.
    pub signed: (u32, [u8; 32], [u8; 64]),
    /// Number, secret key with its type byte and signature of the Kyber prekey.
    pub kyber: (u32, &'a [u8], [u8; 64]),
    /// Number and private key of the one-time prekey.
    pub one_time: Option<(u32, [u8; 32])>,
}

impl RecordedPreKeys<'_> {
    /// Reads the stored form of these keys.
    #[must_use]
    pub fn stock(&self) -> PreKeyStock {
        let mut out = vec![1];
        out.extend_from_slice(&u32::MAX.to_be_bytes());
        out.extend_from_slice(&self.signed.0.to_be_bytes());
        put_pair(&mut out, &self.signed.1);
        out.extend_from_slice(&self.signed.2);
        out.extend_from_slice(&self.kyber.0.to_be_bytes());
        out.push(2);
        out.extend_from_slice(&self.kyber.1[1..]);
        out.extend_from_slice(&self.kyber.2);
        out.extend_from_slice(&u32::from(self.one_time.is_some()).to_be_bytes());
        if let Some((id, one_time)) = &self.one_time {
            out.extend_from_slice(&id.to_be_bytes());
            put_pair(&mut out, one_time);
            out.push(1);
            out.extend_from_slice(&[0x55; 64]);
        }
        out.extend_from_slice(&0_u32.to_be_bytes());
        PreKeyStock::decode(&out).unwrap()
    }

    /// The shared secrets that the prekey message `first` starts a session with.
    #[must_use]
    pub fn secrets(
        &self,
        identity: &x25519::PrivateKey,
        first: &PreKeyMessage<'_>,
    ) -> SessionSecrets {
        let signed = x25519::PrivateKey::from_bytes(&self.signed.1);
        let one_time = self.one_time.map(|(_, key)| x25519::PrivateKey::from_bytes(&key));
        let one_time = first.outer.one_time_id.and(one_time.as_ref());
        let keys = ResponderKeys { identity, prekey: &signed, one_time };
        let agreements =
            Agreements::respond(&keys, &first.outer.identity_key, &first.outer.base_key).unwrap();
        let kyber: &[u8; kyber1024::EXPANDED_LEN] = self.kyber.1[1..].try_into().unwrap();
        let kyber = kyber1024::DecapsulationKey::from_expanded(kyber).unwrap();
        pqxdh::derive(&agreements, &kyber.decapsulate(first.outer.kyber_ciphertext))
    }
}

/// The prekeys of a `bob_bundle` or `bundle` in `vectors/signal`.
#[must_use]
pub fn recorded_prekeys(bundle: &Value) -> (Vec<u8>, RecordedNumbers) {
    let one_time = &bundle["one_time_prekey"];
    let one_time = one_time.is_object().then(|| (id(one_time), array::<32>(one_time, "private")));
    let signed = &bundle["signed_prekey"];
    let kyber = &bundle["kyber_prekey"];
    let numbers = RecordedNumbers {
        signed: (id(signed), array(signed, "private"), array(signed, "signature")),
        kyber: (id(kyber), array(kyber, "signature")),
        one_time,
    };
    (hex(kyber, "secret"), numbers)
}

/// Everything of [`RecordedPreKeys`] but the Kyber secret, which is borrowed.
pub struct RecordedNumbers {
    signed: (u32, [u8; 32], [u8; 64]),
    kyber: (u32, [u8; 64]),
    one_time: Option<(u32, [u8; 32])>,
}

impl RecordedNumbers {
    /// Joined with the Kyber secret.
    #[must_use]
    pub fn with<'a>(&self, kyber_secret: &'a [u8]) -> RecordedPreKeys<'a> {
        RecordedPreKeys {
            signed: self.signed,
            kyber: (self.kyber.0, kyber_secret, self.kyber.1),
            one_time: self.one_time,
        }
    }
}

fn id(value: &Value) -> u32 {
    u32::try_from(number(value, "id")).unwrap()
}

/// An initiator's ratchet right after PQXDH, as a recording gives it.
pub struct Initiated {
    /// The root after the first turn.
    pub root: [u8; 32],
    /// The private ratchet key.
    pub ratchet_private: [u8; 32],
    /// The chain that sends.
    pub chain: [u8; 32],
    /// The index of its next message.
    pub index: u32,
    /// What seeds the post-quantum ratchet.
    pub pq_auth_key: Secret<32>,
}

/// The session of an initiator that has received nothing, in its stored form; `first` is any of
/// its prekey messages.
#[must_use]
pub fn initiated(
    start: &Initiated,
    ours: OurIdentity<'_>,
    first: &PreKeyMessage<'_>,
    their: (&x25519::PublicKey, u32),
) -> Session {
    let outer = &first.outer;
    let mut head = vec![1];
    head.extend_from_slice(ours.key.public().as_bytes());
    head.extend_from_slice(their.0.as_bytes());
    head.extend_from_slice(&ours.registration_id.to_be_bytes());
    head.extend_from_slice(&their.1.to_be_bytes());
    head.extend_from_slice(outer.base_key.as_bytes());
    head.push(1);
    head.push(u8::from(outer.one_time_id.is_some()));
    head.extend_from_slice(&outer.one_time_id.unwrap_or(0).to_be_bytes());
    head.extend_from_slice(&outer.signed_id.to_be_bytes());
    head.extend_from_slice(&outer.kyber_id.to_be_bytes());
    head.extend_from_slice(&CREATED.to_be_bytes());
    head.extend_from_slice(&limits::MAX_JUMP.to_be_bytes());
    head.push(1);
    head.extend_from_slice(&start.root);
    put_pair(&mut head, &start.ratchet_private);
    head.extend_from_slice(&start.chain);
    head.extend_from_slice(&start.index.to_be_bytes());
    head.extend_from_slice(&[0; 4]);
    head.extend_from_slice(&[0; 4]);
    let pq = Spqr::new(&start.pq_auth_key, Role::Initiator, limits::MAX_JUMP);
    pq.encode_head(&mut head);
    let mut objects = vec![1];
    objects.extend_from_slice(outer.kyber_ciphertext);
    pq.encode_objects(&mut objects);
    let mut skipped = vec![1, 0, 0, 0, 0];
    pq.encode_skipped(&mut skipped);
    Session::decode(&head, &objects, &skipped).unwrap()
}

/// The time at which recorded sessions are said to begin; tests send at it.
pub const CREATED: u64 = 1_800_000_000;

/// The two ratchets of a session, read from its stored form.
#[must_use]
pub fn ratchets(session: &Session) -> (DoubleRatchet<Signal>, Spqr) {
    let (head, objects, skipped) =
        (session.encode_head(), session.encode_objects(), session.encode_skipped());
    let phase = usize::from(head.expose()[HEAD_PREFIX]);
    let mut head_reader = RecordReader::new(&head.expose()[HEAD_PREFIX + 1 + PHASE_LEN[phase]..]);
    let pending = if phase == 1 { kyber1024::CIPHERTEXT_LEN } else { 0 };
    let mut objects_reader = RecordReader::new(&objects.expose()[1 + pending..]);
    let mut skipped_reader = RecordReader::new(&skipped.expose()[1..]);
    let ratchet = DoubleRatchet::decode(&mut head_reader, &mut skipped_reader).unwrap();
    let pq = Spqr::decode(&mut head_reader, &mut objects_reader, &mut skipped_reader).unwrap();
    (ratchet, pq)
}

/// The session with an expanded ML-KEM key in the place of the one that its next message would
/// draw: the stored state `KeysUnsampled` becomes `KeysSampled` before its first chunk.
#[must_use]
pub fn with_recorded_key(session: &Session, expanded: &[u8]) -> Session {
    const KEYS_UNSAMPLED: u8 = 1;
    const KEYS_SAMPLED: u8 = 2;
    const EXPANDED: u8 = 2;
    let mut head = session.encode_head().expose().to_vec();
    let mut objects = session.encode_objects().expose().to_vec();
    assert_eq!(Some(KEYS_UNSAMPLED), head.pop());
    assert_eq!(Some(KEYS_UNSAMPLED), objects.pop());
    head.extend_from_slice(&[KEYS_SAMPLED, 0, 0]);
    objects.extend_from_slice(&[KEYS_SAMPLED, EXPANDED]);
    objects.extend_from_slice(expanded);
    Session::decode(&head, &objects, session.encode_skipped().expose()).unwrap()
}

fn put_pair(out: &mut Vec<u8>, private: &[u8; 32]) {
    let key = x25519::PrivateKey::from_bytes(private);
    out.extend_from_slice(key.expose());
    out.extend_from_slice(key.public().as_bytes());
}

/// The recorded private keys and ids of a party in `vectors/signal`.
#[must_use]
pub fn party(own: &Value, other: &Value, stock: PreKeyStock) -> Party {
    let address_of = |party: &Value| address(text(party, "name"), number(party, "device_id"));
    Party {
        identity: private_key(own, "identity_private"),
        registration_id: u32::try_from(number(own, "registration_id")).unwrap(),
        parties: Parties { ours: address_of(own), theirs: address_of(other) },
        their_identity: public_key(other, "identity_public"),
        sessions: Sessions::none(),
        stock,
    }
}

/// Random bytes that depend on nothing, where a test needs some but no particular ones.
pub struct Filler {
    first: Vec<u8>,
    counter: u64,
}

impl Filler {
    /// Hands out `first`, then a fixed sequence.
    #[must_use]
    pub fn after(first: &[u8]) -> Self {
        Self { first: first.to_vec(), counter: 0 }
    }

    /// A sequence that no other number gives.
    #[must_use]
    pub const fn numbered(number: u32) -> Self {
        Self { first: Vec::new(), counter: (number as u64) << 32 }
    }
}

impl Random for Filler {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        if out.len() <= self.first.len() {
            let rest = self.first.split_off(out.len());
            out.copy_from_slice(&self.first);
            self.first = rest;
            return Ok(());
        }
        assert!(self.first.is_empty(), "the given bytes do not fit what is drawn");
        for chunk in out.chunks_mut(32) {
            self.counter += 1;
            let block = e2ee_primitives::sha::sha256(&[b"filler", &self.counter.to_be_bytes()]);
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}
