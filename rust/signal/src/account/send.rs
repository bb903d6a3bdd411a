// SPDX-License-Identifier: MIT OR Apache-2.0
//! Starting sessions and sending on them (signal.md §5.4 and §6.5; docs/storage.md, "Sending").

use e2ee_account::outcome::At;
use e2ee_primitives::{secret::SecretBytes, x25519};
use e2ee_state::{Failure, Step};
use e2ee_wire::Error;

use crate::{
    DeviceId, Parties, PreKeyBundle, Session,
    envelope::{self, MAX_PLAINTEXT_LEN},
    padding::{self, Boundary},
    session::Ciphertext,
    sessions::{self, Outgoing},
};

use super::{Account, Environment, Learnt, LoadedPeer, Outcome, Peer, draft::Draft, peer::Trust};

/// Whether a bundle may bring in an identity key that is not the trusted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NewIdentity {
    Refuse,
    Accept(Trust),
}

impl Account {
    /// Starts a session with a peer from its encoded bundle. The peer may be away.
    ///
    /// [`Error::UntrustedIdentity`] if the bundle is not under the identity that is trusted;
    /// the first identity seen is trusted.
    pub fn connect(
        &mut self,
        (user, device): (&str, DeviceId),
        bundle: &[u8],
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        self.connect_with((user, device), bundle, NewIdentity::Refuse, environment)
    }

    pub(super) fn connect_with(
        &mut self,
        (user, device): (&str, DeviceId),
        bundle: &[u8],
        new_identity: NewIdentity,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        let bundle = PreKeyBundle::decode(bundle)?;
        let verified = bundle.verify()?;
        if bundle.device != device {
            return Err(Error::InvalidArgument.into());
        }
        let parties = self.parties(user, device)?;
        self.vault.refresh(environment.records)?;
        let (mut loaded, before) =
            self.peer_or_new((user, device), &bundle.identity_key, environment)?;
        let mut groups = Vec::new();
        match new_identity {
            NewIdentity::Refuse if loaded.peer.identity != bundle.identity_key => {
                return Err(Error::UntrustedIdentity.into());
            }
            NewIdentity::Refuse => {}
            NewIdentity::Accept(trust) => {
                if loaded.peer.identity != bundle.identity_key {
                    groups = self.without_peer((user, device), environment)?;
                }
                loaded.peer.identity = bundle.identity_key;
                loaded.peer.trust = trust;
            }
        }
        let now = environment.now_ms / 1_000;
        let session = Session::initiate(self.ours(), &parties, &verified, now, environment.random)?;
        loaded.sessions.install(session);
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        let mut index = self.vault.index();
        for group in &groups {
            self.save_group(group, &mut index, &mut draft, &mut learnt)?;
        }
        self.vault.save_peer(&mut loaded, (before.as_ref(), index), &mut draft, &mut learnt)?;
        self.vault.drafted((draft.finish(), learnt), (), environment)
    }

    /// Pads and encrypts `plaintext`; the result is an encoded envelope.
    ///
    /// [`Error::InvalidArgument`] above [`MAX_PLAINTEXT_LEN`] bytes.
    pub fn encrypt(
        &mut self,
        (user, device): (&str, DeviceId),
        plaintext: &[u8],
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<u8>>>, Failure> {
        let (loaded, envelope) = self.encrypt_for((user, device), plaintext, environment)?;
        let before = Some(loaded.peer.clone());
        self.vault.saved((loaded, before), envelope, environment)
    }

    /// Encrypts to a peer; the result is the peer, which is to be saved, and an encoded envelope.
    pub(super) fn encrypt_for(
        &mut self,
        (user, device): (&str, DeviceId),
        plaintext: &[u8],
        environment: &mut Environment<'_>,
    ) -> Result<(Box<LoadedPeer>, Vec<u8>), Failure> {
        if plaintext.len() > MAX_PLAINTEXT_LEN {
            return Err(Error::InvalidArgument.into());
        }
        self.vault.refresh(environment.records)?;
        let loaded = self.load_peer(environment.records, user, device)?;
        let mut loaded = loaded.ok_or(Error::NoSession)?;
        let at: At<'_> = (environment.now_ms, environment.random);
        let envelope = encrypt(&mut loaded, plaintext, at)?;
        Ok((loaded, envelope))
    }

    pub(super) fn parties(&self, user: &str, device: DeviceId) -> Result<Parties, Error> {
        self.identity.parties(user, device)
    }

    /// The peer as it is stored, or a new one that trusts `identity_key`; and its record as it is
    /// stored, to see later whether it changed.
    pub(super) fn peer_or_new(
        &mut self,
        (user, device): (&str, DeviceId),
        identity_key: &x25519::PublicKey,
        environment: &mut Environment<'_>,
    ) -> Result<(Box<LoadedPeer>, Option<Peer>), Failure> {
        if let Some(loaded) = self.load_peer(environment.records, user, device)? {
            let before = loaded.peer.clone();
            return Ok((loaded, Some(before)));
        }
        let parties = self.parties(user, device)?;
        let peer = Peer::first_seen(*identity_key);
        Ok((Box::new(LoadedPeer::new((user, device), parties, peer)), None))
    }
}

/// Pads and encrypts on the peer's current session; the result is an encoded envelope.
pub(super) fn encrypt(
    loaded: &mut LoadedPeer,
    plaintext: &[u8],
    at: At<'_>,
) -> Result<Vec<u8>, Error> {
    encrypt_padded(loaded, &padding::pad(Boundary::Application, plaintext), at)
}

/// Encrypts on the peer's current session; the result is an encoded envelope.
pub(super) fn encrypt_padded(
    loaded: &mut LoadedPeer,
    padded: &SecretBytes,
    (now_ms, random): At<'_>,
) -> Result<Vec<u8>, Error> {
    let outgoing = Outgoing { plaintext: padded.expose(), now: now_ms / 1_000 };
    let LoadedPeer { sessions, parties, peer, .. } = loaded;
    let sent = sessions::encrypt(sessions, parties, &peer.identity, outgoing, random)?;
    let (kind, message) = match sent {
        Ciphertext::Ratchet(message) => (envelope::Kind::Ratchet, message),
        Ciphertext::PreKey(message) => (envelope::Kind::PreKey, message),
    };
    Ok(envelope::wrap(kind, message))
}
