// SPDX-License-Identifier: MIT OR Apache-2.0
//! The reference client's verdicts in our kinds (signal.md §12), and the listed differences.

use e2ee_wire::Error;
use serde_json::Value;

use crate::{
    fields::{hex, text},
    load,
};

/// What the reference client made of a message.
#[derive(Debug)]
pub enum Verdict {
    /// It opened to this.
    Opened(Vec<u8>),
    /// It was refused; our kind must be one of these.
    Refused(&'static [Error]),
}

impl Verdict {
    /// Reads an `outcome`.
    ///
    /// # Panics
    ///
    /// If its text is not known here: every refusal must be placed by hand.
    #[must_use]
    pub fn read(outcome: &Value) -> Self {
        if outcome["ok"] == true {
            return Self::Opened(hex(outcome, "result"));
        }
        Self::Refused(kinds(text(outcome, "message")))
    }

    /// Whether `ours` is the same verdict.
    #[must_use]
    pub fn agrees(&self, ours: &Result<Vec<u8>, Error>) -> bool {
        match (self, ours) {
            (Self::Opened(expected), Ok(plaintext)) => expected == plaintext,
            (Self::Refused(kinds), Err(error)) => kinds.contains(error),
            _ => false,
        }
    }
}

/// Our kinds for a refusal's text. Where the client says only "decryption failed", the local
/// program may learn that a message is too far ahead; its sender learns nothing.
#[must_use]
pub fn kinds(message: &str) -> &'static [Error] {
    const TABLE: [(&str, &[Error]); 17] = [
        ("message with old counter", &[Error::Duplicate]),
        ("untrusted identity", &[Error::UntrustedIdentity]),
        ("ciphertext version was", &[Error::UnsupportedVersion]),
        ("X3DH no longer supported", &[Error::UnsupportedVersion]),
        ("serialized bytes were too short", &[Error::Malformed]),
        ("protobuf encoding was invalid", &[Error::Malformed]),
        ("Both or neither kyber", &[Error::Malformed]),
        ("Kyber pre key must be present", &[Error::Malformed]),
        ("no prekey", &[Error::UnknownPreKey]),
        ("no signed prekey", &[Error::UnknownPreKey]),
        ("no kyber prekey", &[Error::UnknownPreKey]),
        ("bad KEM", &[Error::InvalidKey]),
        ("incoming base key is invalid", &[Error::InvalidKey]),
        ("invalid signature detected", &[Error::BadSignature]),
        ("not found: message_encrypt", &[Error::NoSession]),
        ("decryption failed", &[Error::Forged, Error::TooFarAhead]),
        ("invalid key agreement", &[Error::InvalidKey]),
    ];
    let placed = TABLE.iter().find(|(part, _)| message.contains(part));
    placed.unwrap_or_else(|| panic!("a refusal without a place: {message}")).1
}

/// Whether `tests/vectors/deviations.json` lists `rule`.
///
/// # Panics
///
/// If the list is absent.
#[must_use]
pub fn is_listed(rule: &str) -> bool {
    let list = load::json("deviations").expect("the list of deviations is part of the repository");
    let rules = list["rules"].as_array().expect("a list of rules");
    rules.iter().any(|listed| text(listed, "rule") == rule)
}

/// What the list says that nothing authenticates of a kind of message.
///
/// # Panics
///
/// If the list is absent.
#[must_use]
pub fn unauthenticated(message: &str) -> Vec<String> {
    let list = load::json("deviations").expect("the list of deviations is part of the repository");
    let entries = list["unauthenticated"].as_array().expect("a list of parts");
    let of_this = entries.iter().filter(|entry| text(entry, "message") == message);
    of_this.map(|entry| text(entry, "bytes").to_owned()).collect()
}
