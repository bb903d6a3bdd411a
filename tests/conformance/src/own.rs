// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parties of our own, for cases whose recording carries no bytes.

use std::sync::atomic::{AtomicU32, Ordering};

use e2ee_primitives::x25519;
use e2ee_signal::{
    Ciphertext, Parties, PreKeyBundle, PreKeyStock, Session, Sessions,
    sessions::{self, Outgoing},
};
use e2ee_wire::Error;

use crate::signal::{CREATED, Filler, Party, address};

static SENT: AtomicU32 = AtomicU32::new(1);

/// A fresh pair: both know each other's identity, and no session exists.
#[must_use]
pub fn pair() -> [Party; 2] {
    let names =
        [("9d0652a3-dcc3-4d11-975f-74d61598733f", 1), ("796abedb-ca4e-4f18-8803-1fde5b921f9f", 3)];
    parties(names, [[1; 32], [2; 32]])
}

/// Two devices of one account.
#[must_use]
pub fn devices() -> [Party; 2] {
    let name = "9d0652a3-dcc3-4d11-975f-74d61598733f";
    parties([(name, 1), (name, 2)], [[1; 32], [1; 32]])
}

fn parties(names: [(&str, u64); 2], identities: [[u8; 32]; 2]) -> [Party; 2] {
    let addresses = names.map(|(name, device)| address(name, device));
    let publics = identities.map(|key| *x25519::PrivateKey::from_bytes(&key).public());
    [0, 1].map(|own: usize| {
        let identity = x25519::PrivateKey::from_bytes(&identities[own]);
        let seed = [u8::try_from(own).unwrap(); 32];
        let stock = PreKeyStock::generate(&identity, 0, &mut Filler::after(&seed)).unwrap();
        Party {
            identity,
            registration_id: 5,
            parties: Parties { ours: addresses[own].clone(), theirs: addresses[1 - own].clone() },
            their_identity: publics[1 - own],
            sessions: Sessions::none(),
            stock,
        }
    })
}

/// A bundle of `party`'s, without one-time keys.
#[must_use]
pub fn bundle(party: &Party) -> PreKeyBundle {
    party.stock.reusable(party.ours(), party.parties.ours.device())
}

/// Starts a session with the owner of `bundle`; `seed` makes it a session of its own.
pub fn connect(party: &mut Party, bundle: &PreKeyBundle, seed: u8) -> Result<(), Error> {
    let verified = bundle.verify()?;
    if bundle.identity_key != party.their_identity {
        return Err(Error::UntrustedIdentity);
    }
    let mut random = Filler::after(&[seed; 32]);
    let session = Session::initiate(party.ours(), &party.parties, &verified, CREATED, &mut random)?;
    party.sessions.install(session);
    Ok(())
}

/// Encrypts at `now`; the kind and the bytes.
pub fn send_at(party: &mut Party, plaintext: &[u8], now: u64) -> Result<(u64, Vec<u8>), Error> {
    let outgoing = Outgoing { plaintext, now };
    let trusted = party.their_identity;
    // Ratchet keys must differ from one message to the next.
    let mut random = Filler::numbered(SENT.fetch_add(1, Ordering::Relaxed));
    let Party { sessions, parties, .. } = party;
    Ok(match sessions::encrypt(sessions, parties, &trusted, outgoing, &mut random)? {
        Ciphertext::Ratchet(message) => (2, message),
        Ciphertext::PreKey(message) => (3, message),
    })
}

/// Encrypts when the recorded sessions began.
///
/// # Panics
///
/// If there is no session to send on.
pub fn send(party: &mut Party, plaintext: &[u8]) -> (u64, Vec<u8>) {
    send_at(party, plaintext, CREATED).unwrap()
}
