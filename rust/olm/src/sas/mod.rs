// SPDX-License-Identifier: MIT OR Apache-2.0
//! Short authentication strings: two people compare what their devices show, and after that each
//! device tells the other its keys under a MAC (olm_megolm.md §4).
//!
//! ```text
//!   start ──►            acceptor: Acceptor::new ── commitment ──► accept
//!   accept ──► starter: Starter::new(commitment) ── key ──►
//!              starter: Starter::agree(key, start)      acceptor: Acceptor::agree(key)
//!                                 └────────► Established ◄────────┘
//!              short string, compared by people; then mac_keys ◄──► verify_keys
//! ```
//!
//! The commitment is what makes 39 or 42 bits enough: who accepts has fixed its key before it sees
//! the starter's, and a starter has no key to show before it holds the commitment. Nobody can try
//! keys until the strings are alike. Ten minutes after the start a caller gives up (§4).

mod emoji;
mod mac;
pub mod plain;

pub use emoji::{EMOJI_NAMES, ShortString};
pub use mac::{KeyMacs, MacMethod, NamedKey};

use e2ee_primitives::{
    Random, Secret, base64, hkdf, sha,
    x25519::{PrivateKey, PublicKey},
};
use e2ee_wire::Error;

/// Bytes of a commitment.
pub const COMMITMENT_LEN: usize = 32;

/// Who verifies whom, and in which transaction; both sides name the same, each from its own side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Between {
    /// Our user, `@alice:example.org`.
    pub our_user: String,
    /// Our device id.
    pub our_device: String,
    /// Their user.
    pub their_user: String,
    /// Their device id.
    pub their_device: String,
    /// The id of the transaction, or of the event that asked for it in a room.
    pub transaction: String,
}

/// How the short string is bound to what both have said (`key_agreement_protocol`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAgreement {
    /// `curve25519-hkdf-sha256`: users, devices, both keys and the transaction, with separators.
    Curve25519HkdfSha256,
    /// `curve25519`, of old peers: neither keys nor separators are bound. Only to finish what such a
    /// peer started.
    Curve25519,
}

/// The side that sent `m.key.verification.start`, once the other has accepted.
#[derive(Debug)]
pub struct Starter {
    key: PrivateKey,
    commitment: Secret<COMMITMENT_LEN>,
}

impl Starter {
    /// A fresh key, which may be shown because the other side has fixed its own: `commitment` is
    /// what the acceptance carries. Draws exactly 32 bytes.
    pub fn new(commitment: [u8; COMMITMENT_LEN], random: &mut dyn Random) -> Result<Self, Error> {
        let commitment = Secret::new(commitment);
        Ok(Self { key: PrivateKey::random(random)?, commitment })
    }

    /// The key for `m.key.verification.key`.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        self.key.public()
    }

    /// Both keys are known: what people compare follows from them.
    ///
    /// `start` is the canonical JSON of the content of the start that we sent.
    /// [`Error::Forged`] if their key is not the one that they committed to, [`Error::InvalidKey`]
    /// if it cannot be used: the verification has failed, and is cancelled.
    pub fn agree(
        self,
        their_key: &PublicKey,
        start: &[u8],
        between: Between,
    ) -> Result<Established, Error> {
        if !Secret::new(commitment(their_key, start)).ct_eq(&self.commitment) {
            return Err(Error::Forged);
        }
        Established::new(&self.key, their_key, Role::Starter, between)
    }
}

/// The side that sends `m.key.verification.accept`.
#[derive(Debug)]
pub struct Acceptor {
    key: PrivateKey,
}

impl Acceptor {
    /// A fresh key; draws exactly 32 bytes.
    pub fn new(random: &mut dyn Random) -> Result<Self, Error> {
        Ok(Self { key: PrivateKey::random(random)? })
    }

    /// What the acceptance carries; `start` is the canonical JSON of the content that was received.
    #[must_use]
    pub fn commitment(&self, start: &[u8]) -> [u8; COMMITMENT_LEN] {
        commitment(self.key.public(), start)
    }

    /// The key for `m.key.verification.key`, to be sent once the starter's has come.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        self.key.public()
    }

    /// Both keys are known; [`Error::InvalidKey`] if theirs cannot be used.
    pub fn agree(self, their_key: &PublicKey, between: Between) -> Result<Established, Error> {
        Established::new(&self.key, their_key, Role::Acceptor, between)
    }
}

/// Both sides share a secret; whether nobody stands between them, only the comparison says.
#[derive(Debug)]
pub struct Established {
    shared: Secret<32>,
    our_key: PublicKey,
    their_key: PublicKey,
    role: Role,
    between: Between,
}

impl Established {
    fn new(
        our_key: &PrivateKey,
        their_key: &PublicKey,
        role: Role,
        between: Between,
    ) -> Result<Self, Error> {
        // A key that is not written in its one form comes from no honest peer.
        if !their_key.is_reduced() || their_key == our_key.public() {
            return Err(Error::InvalidKey);
        }
        Ok(Self {
            shared: our_key.agree(their_key)?,
            our_key: *our_key.public(),
            their_key: *their_key,
            role,
            between,
        })
    }

    /// What both people must see alike.
    #[must_use]
    pub fn short_string(&self, agreement: KeyAgreement) -> ShortString {
        let Between { our_user, our_device, their_user, their_device, transaction } = &self.between;
        let ours =
            (our_user.as_str(), our_device.as_str(), base64::encode(self.our_key.as_bytes()));
        let theirs =
            (their_user.as_str(), their_device.as_str(), base64::encode(self.their_key.as_bytes()));
        let (first, second) = match self.role {
            Role::Starter => (ours, theirs),
            Role::Acceptor => (theirs, ours),
        };
        let label = "MATRIX_KEY_VERIFICATION_SAS";
        let info = match agreement {
            KeyAgreement::Curve25519HkdfSha256 => {
                let (user, device, key) = first;
                let (other_user, other_device, other_key) = second;
                [label, user, device, &key, other_user, other_device, &other_key, transaction]
                    .join("|")
            }
            KeyAgreement::Curve25519 => {
                [label, first.0, first.1, second.0, second.1, transaction].concat()
            }
        };
        ShortString::new(hkdf::derive(&[], &[self.shared.expose()], &[info.as_bytes()]))
    }
}

/// Which side started: its names and key come first.
#[derive(Clone, Copy, Debug)]
enum Role {
    Starter,
    Acceptor,
}

/// SHA-256 of the key's text and the start's canonical JSON.
fn commitment(key: &PublicKey, start: &[u8]) -> [u8; COMMITMENT_LEN] {
    sha::sha256(&[base64::encode(key.as_bytes()).as_bytes(), start])
}

#[cfg(test)]
mod tests;
