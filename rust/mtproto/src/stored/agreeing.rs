// SPDX-License-Identifier: MIT OR Apache-2.0
//! Beginning a chat, in both roles (mtproto_secret_chats.md §1).
//!
//! ```text
//!   offer ──requestEncryption──► accept ──acceptEncryption──► confirm
//! ```

use e2ee_account::{Environment, Learnt, Outcome, draft::Draft};
use e2ee_primitives::Secret;
use e2ee_state::{Failure, Step};
use e2ee_wire::Error;

use crate::{
    chat::{Chat, Effects},
    exchange::{self, Offer},
    group::Group,
    key::{ChatKey, KEY_LEN},
    limits::MAX_CHATS,
    picture::KeyPicture,
    role::Role,
};

use super::{
    ChatId, Outgoing, Phase, SecretChats, layout,
    loading::Loaded,
    record::{Record, new_tag},
    sending::outgoing,
};

/// What the one who creates a chat sends: for `messages.requestEncryption`.
#[derive(Debug)]
pub struct Offered {
    /// The number of the chat, which is also the `random_id` of the request.
    pub id: ChatId,
    /// `g_a`, big-endian.
    pub public: [u8; KEY_LEN],
}

/// What the one who was asked sends: for `messages.acceptEncryption`, and then the first messages.
#[derive(Debug)]
pub struct Accepted {
    /// `g_b`, big-endian.
    pub public: [u8; KEY_LEN],
    /// The fingerprint of the key.
    pub fingerprint: i64,
    /// What follows in the chat.
    pub outgoing: Vec<Outgoing>,
}

impl SecretChats {
    /// Begins a chat with `peer`; bytes of the server's may be mixed into our exponent.
    pub fn offer(
        &mut self,
        peer: &str,
        (group, server_random): (Group, &[u8]),
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Offered>>, Failure> {
        self.vault.refresh(environment.records)?;
        self.check_new(peer)?;
        let offer = Offer::new(&group, server_random, environment.random)?;
        let id = self.free_id(environment)?;
        let offered = Offered { id, public: *offer.public().as_bytes() };
        let tag = new_tag(environment.random)?;
        let record =
            Record { peer: peer.to_owned(), tag, group, phase: Phase::Offered(Box::new(offer)) };
        self.begun((id, 0, record), None, offered, environment)
    }

    /// Takes part in a chat that `peer` has created.
    ///
    /// [`Error::InvalidKey`] for a `g_a` out of range, [`Error::InvalidArgument`] if there is a chat
    /// of this number.
    pub fn accept(
        &mut self,
        (id, peer): (ChatId, &str),
        their_public: &[u8],
        (group, server_random): (Group, &[u8]),
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Accepted>>, Failure> {
        self.vault.refresh(environment.records)?;
        self.check_new(peer)?;
        if self.vault.revision_of(&layout::chat(id)).is_some() {
            return Err(Error::InvalidArgument.into());
        }
        let random = &mut *environment.random;
        let (public, key) = exchange::respond(&group, their_public, server_random, random)?;
        let phase = Phase::Ready(KeyPicture::new(&key, &key));
        let record = Record { peer: peer.to_owned(), tag: new_tag(random)?, group, phase };
        let (public, fingerprint) = (*public.as_bytes(), key.fingerprint());
        let accept = |outgoing| Accepted { public, fingerprint, outgoing };
        let step = self.ready((id, 0, record), (Role::Responder, key), environment)?;
        Ok(Step { writes: step.writes, result: step.result.map(accept) })
    }

    /// Takes the other end's answer to [`SecretChats::offer`]; returns the first messages.
    ///
    /// [`Error::NoSession`] if nothing was offered, [`Error::InvalidKey`] for a `g_b` out of range,
    /// [`Error::Forged`] if the other end has another key: the chat is to be discarded.
    pub fn confirm(
        &mut self,
        id: ChatId,
        (their_public, fingerprint): (&[u8], i64),
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Outgoing>>>, Failure> {
        self.vault.refresh(environment.records)?;
        let (revision, record) = self.record(id, environment.records)?;
        let Phase::Offered(offer) = &record.phase else { return Err(Error::NoSession.into()) };
        let key = offer.confirm(their_public, fingerprint)?;
        let record = Record { phase: Phase::Ready(KeyPicture::new(&key, &key)), ..record };
        self.ready((id, revision, record), (Role::Originator, key), environment)
    }

    /// The step that saves a chat with its first key, and says which layer we speak.
    fn ready(
        &mut self,
        (id, revision, record): (ChatId, u64, Record),
        (role, key): (Role, ChatKey),
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Outgoing>>>, Failure> {
        let mut chat = Chat::new(role, self.owner.layer, key, environment.now_ms);
        let mut effects = chat.effects();
        chat.notify_layer(&mut effects, (environment.now_ms, environment.random))?;
        let outgoing = outgoing(&effects);
        self.begun((id, revision, record), Some((chat, effects)), outgoing, environment)
    }

    fn begun<T>(
        &mut self,
        (id, base, record): (ChatId, u64, Record),
        begun: Option<(Chat, Effects)>,
        value: T,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<T>>, Failure> {
        let (mut index, mut learnt) = (self.vault.index(), Learnt::default());
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let (name, content) = (layout::chat(id), record.encode());
        self.vault.put_member((name, base), &content, &mut index, (&mut draft, &mut learnt))?;
        if let Some((chat, effects)) = begun {
            let sealer = self.state_sealer(id);
            let loaded = Loaded { id, record, sealer, revision: 0, chat };
            self.put(&loaded, &effects, environment.records, (&mut draft, &mut learnt))?;
        }
        self.vault.put_index(index, &mut draft, &mut learnt)?;
        let drafted = draft.finish();
        self.vault.drafted((drafted, learnt), value, environment)
    }

    fn check_new(&self, peer: &str) -> Result<(), Error> {
        Self::check_peer(peer)?;
        if self.ids()?.len() < MAX_CHATS { Ok(()) } else { Err(Error::Exhausted) }
    }

    /// A number that no chat of ours has, and that is not 0.
    fn free_id(&self, environment: &mut Environment<'_>) -> Result<ChatId, Error> {
        for _ in 0..64 {
            let bytes: Secret<4> = Secret::random(environment.random)?;
            let id = ChatId(i32::from_be_bytes(*bytes.expose()));
            if id.0 != 0 && self.vault.revision_of(&layout::chat(id)).is_none() {
                return Ok(id);
            }
        }
        Err(Error::RandomUnavailable)
    }
}
