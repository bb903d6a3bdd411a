// SPDX-License-Identifier: MIT OR Apache-2.0
//! States of libolm and vodozemac, taken over and given back (olm_megolm.md §3).

#![expect(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    reason = "the signatures are what the interpreter calls"
)]

use e2ee_olm::{
    StandaloneSession,
    megolm::{StandaloneInbound, StandaloneOutbound},
    pickle::{self, Identities, libolm, vodozemac},
};
use e2ee_primitives::{Secret, secret::SecretBytes};
use e2ee_state::Stage;
use e2ee_wire::Error;
use pyo3::{exceptions::PyTypeError, prelude::*, pybacked::PyBackedStr};

use super::{
    account::OlmAccount,
    keys::BackupKey,
    megolm::{OlmInboundGroupSession, OlmOutboundGroupSession},
    public_key,
    session::OlmSession,
};
use crate::{
    convert::Number,
    signal::{StateKey, refused},
};

/// Reads and writes the states of libolm or vodozemac under one pickle key (olm_megolm.md §3).
///
/// They are for moving, not for keeping: what was read must not be used there any more, and what
/// was written must not be used here, or message keys are used twice. A session that was written is
/// stale. What was read is saved by its `save`, or with its first step.
#[pyclass(frozen, module = "e2ee._core")]
pub struct OlmPickles {
    family: Family,
    key: SecretBytes,
}

#[derive(Clone, Copy)]
enum Family {
    Libolm,
    Vodozemac,
}

#[pymethods]
impl OlmPickles {
    /// Those of libolm, under a key of any length, none included.
    #[staticmethod]
    fn libolm(key: &[u8]) -> Self {
        Self { family: Family::Libolm, key: SecretBytes::new(key.to_vec()) }
    }

    /// Those of vodozemac, under a key of 32 bytes.
    ///
    /// Raises `InvalidArgumentError` for another length.
    #[staticmethod]
    fn vodozemac(py: Python<'_>, key: &[u8]) -> PyResult<Self> {
        let key: Secret<32> =
            Secret::from_slice(key).ok_or_else(|| refused(py, Error::InvalidArgument))?;
        Ok(Self { family: Family::Vodozemac, key: SecretBytes::new(key.expose().to_vec()) })
    }

    /// An account; of more than 100 one-time keys, the newest.
    ///
    /// Raises `AuthenticationError` under another pickle key, and `MalformedMessageError`,
    /// `InvalidKeyError` or `UnsupportedVersionError` if it is no such pickle.
    fn read_account(&self, py: Python<'_>, pickle: &str) -> PyResult<OlmAccount> {
        let read = self.open(pickle).and_then(|plain| match self.family {
            Family::Libolm => libolm::account(plain.expose()),
            Family::Vodozemac => vodozemac::account(plain.expose()),
        });
        read.map(OlmAccount::of).map_err(|error| refused(py, error))
    }

    /// The pickle of an account, text.
    fn write_account(&self, py: Python<'_>, account: &OlmAccount) -> PyResult<String> {
        let account = account.inner().lock(py)?;
        let plain = match self.family {
            Family::Libolm => libolm::write_account(&account),
            Family::Vodozemac => Ok(vodozemac::write_account(&account)),
        };
        plain.map(|plain| self.seal(&plain)).map_err(|error| refused(py, error))
    }

    /// A session between our account and the owner of the other identity key, 32 bytes.
    ///
    /// A pickle names only the one who started the session. Raises `InvalidKeyError` if
    /// neither of these two did, and the errors of `read_account`.
    fn read_session(
        &self,
        py: Python<'_>,
        key: &StateKey,
        account: &OlmAccount,
        their_identity_key: &[u8],
        pickle: &str,
    ) -> PyResult<OlmSession> {
        let ours = *account.inner().lock(py)?.identity_key();
        let read = public_key(their_identity_key).and_then(|theirs| {
            let (plain, identities) = (self.open(pickle)?, Identities { ours, theirs });
            match self.family {
                Family::Libolm => libolm::session(plain.expose(), &identities),
                Family::Vodozemac => vodozemac::session(plain.expose(), &identities),
            }
        });
        let read = read.map(|session| StandaloneSession::new(key.sealer(), session));
        read.map(OlmSession::of).map_err(|error| refused(py, error))
    }

    /// The pickle of a session, which is stale from then on; of late messages, the newest 40 open.
    ///
    /// Raises `StaleSessionError` while a step is open.
    fn write_session(&self, py: Python<'_>, session: &OlmSession) -> PyResult<String> {
        let mut session = session.inner().lock(py)?;
        given_away(session.stage()).map_err(|error| refused(py, error))?;
        Ok(self.seal(&match self.family {
            Family::Libolm => libolm::write_session(session.session()),
            Family::Vodozemac => vodozemac::write_session(session.session()),
        }))
    }

    /// An outbound group session. The errors are those of `read_account`.
    fn read_outbound(
        &self,
        py: Python<'_>,
        key: &StateKey,
        pickle: &str,
    ) -> PyResult<OlmOutboundGroupSession> {
        let read = self.open(pickle).and_then(|plain| match self.family {
            Family::Libolm => libolm::outbound(plain.expose()),
            Family::Vodozemac => vodozemac::outbound(plain.expose()),
        });
        let read = read.map(|session| StandaloneOutbound::new(key.sealer(), session));
        read.map(OlmOutboundGroupSession::of).map_err(|error| refused(py, error))
    }

    /// The pickle of an outbound group session, which is stale from then on.
    ///
    /// Raises `StaleSessionError` while a step is open.
    fn write_outbound(
        &self,
        py: Python<'_>,
        session: &OlmOutboundGroupSession,
    ) -> PyResult<String> {
        let mut session = session.inner().lock(py)?;
        given_away(session.stage()).map_err(|error| refused(py, error))?;
        Ok(self.seal(&match self.family {
            Family::Libolm => libolm::write_outbound(session.session()),
            Family::Vodozemac => vodozemac::write_outbound(session.session()),
        }))
    }

    /// An inbound group session, which knows what was opened elsewhere.
    ///
    /// `opened` has the index of each such message with the id of its event; as another event it
    /// does not open. Raises `DuplicateMessageError` if one stands there with two,
    /// `SessionExhaustedError` for more than 65,536, and the errors of `read_account`.
    #[pyo3(signature = (key, pickle, *, opened = Vec::new()))]
    fn read_inbound(
        &self,
        py: Python<'_>,
        key: &StateKey,
        pickle: &str,
        opened: Vec<(Number, PyBackedStr)>,
    ) -> PyResult<OlmInboundGroupSession> {
        let opened = opened.iter().map(|(index, event_id)| (index.0, event_id.as_bytes()));
        let read = self.open(pickle).and_then(|plain| match self.family {
            Family::Libolm => libolm::inbound(plain.expose()),
            Family::Vodozemac => vodozemac::inbound(plain.expose()),
        });
        let read =
            read.and_then(|session| StandaloneInbound::with_events(key.sealer(), session, opened));
        read.map(OlmInboundGroupSession::of).map_err(|error| refused(py, error))
    }

    /// The pickle of an inbound group session, which both may go on using: it only opens.
    fn write_inbound(&self, py: Python<'_>, session: &OlmInboundGroupSession) -> PyResult<String> {
        let session = session.inner().lock(py)?;
        Ok(self.seal(&match self.family {
            Family::Libolm => libolm::write_inbound(session.session()),
            Family::Vodozemac => vodozemac::write_inbound(session.session()),
        }))
    }

    /// The key of a backup, or of whatever else is encrypted to it (`PkDecryption` of libolm).
    ///
    /// Raises `InvalidArgumentError` for vodozemac, which has no pickle of such a key, and the
    /// errors of `read_account`.
    fn read_backup_key(&self, py: Python<'_>, pickle: &str) -> PyResult<BackupKey> {
        let read = self.of_libolm().and_then(|()| libolm::decryption(self.open(pickle)?.expose()));
        read.map(|pair| BackupKey::of(pair.into())).map_err(|error| refused(py, error))
    }

    /// The pickle of the key of a backup, which both may go on using: it only opens.
    ///
    /// Raises `InvalidArgumentError` for vodozemac, which has no pickle of such a key.
    fn write_backup_key(&self, py: Python<'_>, key: &BackupKey) -> PyResult<String> {
        self.of_libolm().map_err(|error| refused(py, error))?;
        Ok(self.seal(&libolm::write_decryption(key.inner().key_pair())))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a key cannot be copied"))
    }
}

impl OlmPickles {
    const fn of_libolm(&self) -> Result<(), Error> {
        match self.family {
            Family::Libolm => Ok(()),
            Family::Vodozemac => Err(Error::InvalidArgument),
        }
    }

    fn open(&self, pickle: &str) -> Result<SecretBytes, Error> {
        pickle::open(pickle, self.key.expose())
    }

    fn seal(&self, plain: &SecretBytes) -> String {
        pickle::seal(plain, self.key.expose())
    }
}

/// A state that goes to another program: it must not send here any more.
fn given_away(stage: &mut Stage) -> Result<(), Error> {
    stage.ready()?;
    *stage = Stage::Stale;
    Ok(())
}
