// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exceptions with the names that vodozemac's bindings raise; what the core said is the cause
//! (docs/guides/libolm.md).

use e2ee_wire::Error;
use pyo3::prelude::*;

use crate::errors;

/// A class of `e2ee.compat.vodozemac`.
#[derive(Clone, Copy)]
pub enum Class {
    /// A public or secret key that cannot be read or used.
    Key,
    /// A signature that cannot be read, or does not verify.
    Signature,
    /// A message that cannot be read.
    Decode,
    /// A session key of a room that cannot be read.
    SessionKeyDecode,
    /// A session that cannot be started.
    SessionCreation,
    /// A short string or a MAC of one.
    Sas,
    /// A message that cannot be encrypted.
    OlmEncryption,
    /// A message of two that does not open.
    OlmDecryption,
    /// A message of a room that does not open.
    MegolmDecryption,
    /// A message to a public key that does not open.
    PkDecode,
    /// A pickle of vodozemac that does not open.
    Pickle,
    /// A pickle of libolm that does not open.
    LibolmPickle,
}

impl Class {
    const fn name(self) -> &'static str {
        match self {
            Self::Key => "KeyException",
            Self::Signature => "SignatureException",
            Self::Decode => "DecodeException",
            Self::SessionKeyDecode => "SessionKeyDecodeException",
            Self::SessionCreation => "SessionCreationException",
            Self::Sas => "SasException",
            Self::OlmEncryption => "OlmEncryptionException",
            Self::OlmDecryption => "OlmDecryptionException",
            Self::MegolmDecryption => "MegolmDecryptionException",
            Self::PkDecode => "PkDecodeException",
            Self::Pickle => "PickleException",
            Self::LibolmPickle => "LibolmPickleException",
        }
    }

    /// The exception for an error of the core.
    pub fn raise(self, py: Python<'_>, error: Error) -> PyErr {
        self.say(py, &error.to_string(), error)
    }

    /// The same in other words.
    pub fn say(self, py: Python<'_>, sentence: &str, error: Error) -> PyErr {
        let made = py
            .import("e2ee.compat.vodozemac")
            .and_then(|module| module.getattr(self.name()))
            .and_then(|class| class.call1((sentence,)));
        match made {
            Ok(exception) => {
                let raised = PyErr::from_value(exception);
                raised.set_cause(py, Some(errors::protocol(py, error)));
                raised
            }
            Err(failed) => failed,
        }
    }
}
