// SPDX-License-Identifier: MIT OR Apache-2.0
//! The keys of a chat while one gives way to the next (mtproto_secret_chats.md §6).
//!
//! ```text
//!   Settled ──ask──► Asked ──their answer──► Committed ──a message under the new key──► Settled
//!   Settled, Asked ──their request──► Accepted ──their commit──► Settled
//! ```
//!
//! The one who asks sends under the new key from the commit on; the other one from when it has taken
//! that in. Whatever was sent before opens until then.

use e2ee_primitives::Random;
use e2ee_wire::{Error, record::RecordReader};

use crate::{
    exchange::{self, Offer},
    group::{Group, PublicValue},
    key::ChatKey,
};

/// Which keys a chat has, and how far an exchange of them is.
#[derive(Debug)]
pub enum Keys {
    /// One, and no exchange.
    Settled {
        /// The key.
        key: ChatKey,
    },
    /// We have asked for the next one.
    Asked {
        /// The key until then.
        key: ChatKey,
        /// Our number for the exchange.
        exchange_id: i64,
        /// Our half of it.
        offer: Box<Offer>,
    },
    /// The other end has asked, and we have answered.
    Accepted {
        /// The key under which we send until it commits.
        key: ChatKey,
        /// Its number for the exchange.
        exchange_id: i64,
        /// The key from then on.
        next: ChatKey,
    },
    /// It has answered, and we have committed.
    Committed {
        /// The key before, under which messages may still come.
        old: ChatKey,
        /// The key under which we send.
        key: ChatKey,
    },
}

/// An answer to a request for the next key.
#[derive(Debug)]
pub enum Answer {
    /// We take part.
    Accept(Box<Acceptance>),
    /// Both ends have asked, and ours goes on.
    Ignore,
    /// Both ends have asked under one number: neither goes on.
    Withdraw,
}

/// Our part in an exchange that the other end has asked for.
#[derive(Debug)]
pub struct Acceptance {
    /// Our half, for the other end.
    pub public: PublicValue,
    /// The fingerprint of the next key.
    pub fingerprint: i64,
    /// The keys after our answer.
    pub keys: Keys,
}

impl Keys {
    /// The key under which we send.
    #[must_use]
    pub const fn sending(&self) -> &ChatKey {
        match self {
            Self::Settled { key }
            | Self::Asked { key, .. }
            | Self::Accepted { key, .. }
            | Self::Committed { key, .. } => key,
        }
    }

    /// The key with this fingerprint, if a message under it may come.
    #[must_use]
    pub fn opening(&self, fingerprint: i64) -> Option<&ChatKey> {
        let other = match self {
            Self::Settled { .. } | Self::Asked { .. } => None,
            Self::Accepted { next, .. } => Some(next),
            Self::Committed { old, .. } => Some(old),
        };
        let both = [Some(self.sending()), other];
        both.into_iter().flatten().find(|key| key.fingerprint() == fingerprint)
    }

    /// Whether an exchange may begin: none is open, and no key before is kept.
    #[must_use]
    pub const fn may_ask(&self) -> bool {
        matches!(self, Self::Settled { .. })
    }

    /// The state after we have asked; [`Error::InvalidArgument`] unless we may.
    pub fn asked(&self, exchange_id: i64, offer: Offer) -> Result<Self, Error> {
        match self {
            Self::Settled { key } => {
                Ok(Self::Asked { key: key.duplicate(), exchange_id, offer: Box::new(offer) })
            }
            _ => Err(Error::InvalidArgument),
        }
    }

    /// What becomes of a request for the next key, which names the exchange and the other end's
    /// public value. Of two at once, the one with the greater number goes on, as signed integers.
    ///
    /// [`Error::Malformed`] if an exchange is past its beginning, [`Error::InvalidKey`] for a value
    /// out of range.
    pub fn request(
        &self,
        (exchange_id, their_public): (i64, &[u8]),
        group: &Group,
        random: &mut dyn Random,
    ) -> Result<Answer, Error> {
        let key = match self {
            Self::Asked { exchange_id: ours, .. } if *ours > exchange_id => {
                return Ok(Answer::Ignore);
            }
            Self::Asked { exchange_id: ours, .. } if *ours == exchange_id => {
                return Ok(Answer::Withdraw);
            }
            Self::Settled { key } | Self::Asked { key, .. } => key,
            Self::Accepted { .. } | Self::Committed { .. } => return Err(Error::Malformed),
        };
        let (public, next) = exchange::respond(group, their_public, &[], random)?;
        if next.fingerprint() == key.fingerprint() {
            return Err(Error::Malformed);
        }
        let (fingerprint, key) = (next.fingerprint(), key.duplicate());
        let keys = Self::Accepted { key, exchange_id, next };
        Ok(Answer::Accept(Box::new(Acceptance { public, fingerprint, keys })))
    }

    /// The next key, after the other end has answered.
    ///
    /// [`Error::Malformed`] if it answers what we have not asked, [`Error::InvalidKey`] for a value
    /// out of range, [`Error::Forged`] if both ends do not have the same key.
    pub fn answered(
        &self,
        (exchange_id, their_public): (i64, &[u8]),
        fingerprint: i64,
    ) -> Result<ChatKey, Error> {
        match self {
            Self::Asked { key, exchange_id: ours, offer } if *ours == exchange_id => {
                let next = offer.confirm(their_public, fingerprint)?;
                if next.fingerprint() == key.fingerprint() {
                    return Err(Error::Malformed);
                }
                Ok(next)
            }
            _ => Err(Error::Malformed),
        }
    }

    /// The state after our commit: `next` sends.
    #[must_use]
    pub const fn committed(&self, next: ChatKey) -> Self {
        Self::Committed { old: self.sending().duplicate(), key: next }
    }

    /// [`Error::Malformed`] unless this is the commit of the exchange that we have accepted.
    pub fn check_commit(&self, exchange_id: i64, fingerprint: i64) -> Result<(), Error> {
        match self {
            Self::Accepted { exchange_id: ours, next, .. }
                if *ours == exchange_id && next.fingerprint() == fingerprint =>
            {
                Ok(())
            }
            _ => Err(Error::Malformed),
        }
    }

    /// Whether a message under the key with this fingerprint, in its turn, ends an exchange.
    #[must_use]
    pub fn is_settled_by(&self, fingerprint: i64) -> bool {
        match self {
            Self::Settled { .. } | Self::Asked { .. } => false,
            Self::Accepted { next, .. } => next.fingerprint() == fingerprint,
            Self::Committed { key, .. } => key.fingerprint() == fingerprint,
        }
    }

    /// The state after an exchange has ended: only the newest key is left.
    #[must_use]
    pub const fn settled(&self) -> Self {
        let newest = match self {
            Self::Accepted { next, .. } => next,
            _ => self.sending(),
        };
        Self::Settled { key: newest.duplicate() }
    }

    /// The state after an exchange that nobody has committed was given up.
    #[must_use]
    pub const fn withdrawn(&self) -> Self {
        Self::Settled { key: self.sending().duplicate() }
    }

    /// Whether the exchange of this number may still be given up by the other end.
    #[must_use]
    pub const fn is_abortable(&self, exchange_id: i64) -> bool {
        match self {
            Self::Asked { exchange_id: open, .. } | Self::Accepted { exchange_id: open, .. } => {
                *open == exchange_id
            }
            Self::Settled { .. } | Self::Committed { .. } => false,
        }
    }

    /// Appends them to a record.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Settled { key } => {
                out.push(SETTLED);
                key.encode(out);
            }
            Self::Asked { key, exchange_id, offer } => {
                out.push(ASKED);
                key.encode(out);
                out.extend_from_slice(&exchange_id.to_be_bytes());
                offer.encode(out);
            }
            Self::Accepted { key, exchange_id, next } => {
                out.push(ACCEPTED);
                key.encode(out);
                out.extend_from_slice(&exchange_id.to_be_bytes());
                next.encode(out);
            }
            Self::Committed { old, key } => {
                out.push(COMMITTED);
                old.encode(out);
                key.encode(out);
            }
        }
    }

    /// Reads them back.
    pub fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        let state = reader.u8()?;
        let first = ChatKey::decode(reader)?;
        Ok(match state {
            SETTLED => Self::Settled { key: first },
            ASKED => Self::Asked {
                key: first,
                exchange_id: i64::from_be_bytes(*reader.array()?),
                offer: Box::new(Offer::decode(reader)?),
            },
            ACCEPTED => Self::Accepted {
                key: first,
                exchange_id: i64::from_be_bytes(*reader.array()?),
                next: ChatKey::decode(reader)?,
            },
            COMMITTED => Self::Committed { old: first, key: ChatKey::decode(reader)? },
            _ => return Err(Error::CorruptState),
        })
    }
}

const SETTLED: u8 = 1;
const ASKED: u8 = 2;
const ACCEPTED: u8 = 3;
const COMMITTED: u8 = 4;
