// SPDX-License-Identifier: MIT OR Apache-2.0
//! All states of one program under one pickle key, taken over and given away (olm_megolm.md §3).

use e2ee_primitives::{Secret, secret::SecretBytes, x25519};
use e2ee_state::{Sealer, Stage};
use e2ee_wire::Error;

use super::{Identities, libolm, open, seal, vodozemac};
use crate::{
    account::Account,
    megolm::{StandaloneInbound, StandaloneOutbound},
    standalone::StandaloneSession,
};

/// Reads and writes the pickles of libolm or vodozemac under one key.
///
/// Whatever does not open is [`Error::Forged`] under another key, and [`Error::Malformed`],
/// [`Error::InvalidKey`] or [`Error::UnsupportedVersion`] if it is no such pickle.
#[derive(Debug)]
pub struct Pickles {
    family: Family,
    key: SecretBytes,
}

#[derive(Clone, Copy, Debug)]
enum Family {
    Libolm,
    Vodozemac,
}

/// The pickle of a state that must not send here once somebody else has it.
///
/// Nothing has happened before [`Self::give`]: until then only its length is told.
#[derive(Debug)]
pub struct Leaving<'a> {
    stage: &'a mut Stage,
    pickle: String,
}

impl Leaving<'_> {
    /// The length of the pickle in bytes.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.pickle.len()
    }

    /// The pickle; what it is of is stale from here on.
    #[must_use]
    pub fn give(self) -> String {
        *self.stage = Stage::Stale;
        self.pickle
    }
}

impl Pickles {
    /// Those of libolm, under a key of any length, none included.
    #[must_use]
    pub fn libolm(key: &[u8]) -> Self {
        Self { family: Family::Libolm, key: SecretBytes::new(key.to_vec()) }
    }

    /// Those of vodozemac, under a key of 32 bytes; [`Error::InvalidArgument`] for another length.
    pub fn vodozemac(key: &[u8]) -> Result<Self, Error> {
        let key: Secret<32> = Secret::from_slice(key).ok_or(Error::InvalidArgument)?;
        Ok(Self { family: Family::Vodozemac, key: SecretBytes::new(key.expose().to_vec()) })
    }

    /// An account; of more than 100 one-time keys, the newest.
    pub fn read_account(&self, pickle: &str) -> Result<Account, Error> {
        let plain = self.open(pickle)?;
        match self.family {
            Family::Libolm => libolm::account(plain.expose()),
            Family::Vodozemac => vodozemac::account(plain.expose()),
        }
    }

    /// The pickle of an account.
    ///
    /// [`Error::InvalidArgument`] if libolm has no room for the number of a key.
    pub fn write_account(&self, account: &Account) -> Result<String, Error> {
        Ok(self.seal(&match self.family {
            Family::Libolm => libolm::write_account(account)?,
            Family::Vodozemac => vodozemac::write_account(account),
        }))
    }

    /// A session of these two; [`Error::InvalidKey`] if neither of them started it.
    pub fn read_session(
        &self,
        sealer: &Sealer,
        identities: &Identities,
        pickle: &str,
    ) -> Result<StandaloneSession, Error> {
        let plain = self.open(pickle)?;
        let session = match self.family {
            Family::Libolm => libolm::session(plain.expose(), identities),
            Family::Vodozemac => vodozemac::session(plain.expose(), identities),
        };
        Ok(StandaloneSession::new(sealer, session?))
    }

    /// The pickle of a session; of late messages, the newest 40 open.
    ///
    /// [`Error::Stale`] while a step is open, and after the session was given away.
    pub fn write_session<'a>(
        &self,
        session: &'a mut StandaloneSession,
    ) -> Result<Leaving<'a>, Error> {
        session.stage().ready()?;
        let pickle = self.seal(&match self.family {
            Family::Libolm => libolm::write_session(session.session()),
            Family::Vodozemac => vodozemac::write_session(session.session()),
        });
        Ok(Leaving { stage: session.stage(), pickle })
    }

    /// An outbound group session.
    pub fn read_outbound(
        &self,
        sealer: &Sealer,
        pickle: &str,
    ) -> Result<StandaloneOutbound, Error> {
        let plain = self.open(pickle)?;
        let session = match self.family {
            Family::Libolm => libolm::outbound(plain.expose()),
            Family::Vodozemac => vodozemac::outbound(plain.expose()),
        };
        Ok(StandaloneOutbound::new(sealer, session?))
    }

    /// The pickle of an outbound group session.
    ///
    /// [`Error::Stale`] while a step is open, and after the session was given away.
    pub fn write_outbound<'a>(
        &self,
        session: &'a mut StandaloneOutbound,
    ) -> Result<Leaving<'a>, Error> {
        session.stage().ready()?;
        let pickle = self.seal(&match self.family {
            Family::Libolm => libolm::write_outbound(session.session()),
            Family::Vodozemac => vodozemac::write_outbound(session.session()),
        });
        Ok(Leaving { stage: session.stage(), pickle })
    }

    /// An inbound group session, which knows the messages that were opened elsewhere, each as an
    /// event; the errors are also those of [`StandaloneInbound::with_events`].
    pub fn read_inbound<'a>(
        &self,
        sealer: &Sealer,
        pickle: &str,
        opened: impl IntoIterator<Item = (u32, &'a [u8])>,
    ) -> Result<StandaloneInbound, Error> {
        let plain = self.open(pickle)?;
        let session = match self.family {
            Family::Libolm => libolm::inbound(plain.expose()),
            Family::Vodozemac => vodozemac::inbound(plain.expose()),
        };
        StandaloneInbound::with_events(sealer, session?, opened)
    }

    /// The pickle of an inbound group session, which both may go on using: it only opens.
    #[must_use]
    pub fn write_inbound(&self, session: &StandaloneInbound) -> String {
        self.seal(&match self.family {
            Family::Libolm => libolm::write_inbound(session.session()),
            Family::Vodozemac => vodozemac::write_inbound(session.session()),
        })
    }

    /// The private key that a backup is encrypted to.
    ///
    /// [`Error::InvalidArgument`] for vodozemac, which has no pickle of such a key.
    pub fn read_decryption(&self, pickle: &str) -> Result<x25519::PrivateKey, Error> {
        self.of_libolm()?;
        libolm::decryption(self.open(pickle)?.expose())
    }

    /// The pickle of the key of a backup, which both may go on using: it only opens.
    ///
    /// [`Error::InvalidArgument`] for vodozemac, which has no pickle of such a key.
    pub fn write_decryption(&self, key: &x25519::PrivateKey) -> Result<String, Error> {
        self.of_libolm()?;
        Ok(self.seal(&libolm::write_decryption(key)))
    }

    const fn of_libolm(&self) -> Result<(), Error> {
        match self.family {
            Family::Libolm => Ok(()),
            Family::Vodozemac => Err(Error::InvalidArgument),
        }
    }

    fn open(&self, pickle: &str) -> Result<SecretBytes, Error> {
        open(pickle, self.key.expose())
    }

    fn seal(&self, plain: &SecretBytes) -> String {
        seal(plain, self.key.expose())
    }
}
