// SPDX-License-Identifier: MIT OR Apache-2.0
//! The people of the recorded sealed messages (signal.md §10).

use e2ee_primitives::{Secret, x25519::PrivateKey};
use e2ee_signal::{
    Address,
    sealed_sender::{self, Content, Receiver, ServerSigner, TrustAnchors, v2::Destination},
};
use e2ee_state::Sealer;
use e2ee_wire::{Error, record};
use serde_json::Value;

use crate::{
    fields::{hex, number, text},
    signal::{Filler, address, private_key, public_key},
};

/// A recorded device.
pub struct Device {
    /// Its identity key.
    pub identity: PrivateKey,
    /// Its address.
    pub address: Address,
    /// Its registration id.
    pub registration_id: u32,
}

impl Device {
    /// Reads a recorded device.
    #[must_use]
    pub fn read(value: &Value) -> Self {
        Self {
            identity: private_key(value, "identity_private"),
            address: address(text(value, "name"), number(value, "device_id")),
            registration_id: u32::try_from(number(value, "registration_id")).unwrap(),
        }
    }

    /// The device as a destination.
    #[must_use]
    pub fn destination(&self) -> Destination<'_> {
        Destination {
            address: &self.address,
            identity_key: *self.identity.public(),
            registration_id: self.registration_id,
        }
    }

    /// Opens a sealed message under the recorded trust root.
    pub fn open(&self, vector: &Value, sealed: &[u8], now_ms: u64) -> Result<Content, Error> {
        let receiver = Receiver { identity: &self.identity, address: &self.address, e164: None };
        let roots = [public_key(&vector["trust_root"], "public")];
        let anchors = TrustAnchors { roots: &roots, signers: &[], revoked: &[] };
        sealed_sender::open(sealed, &receiver, &anchors, now_ms)
    }
}

/// The three recorded recipients: two devices of Bob, one of Carol.
#[must_use]
pub fn recipients(vector: &Value) -> [Device; 3] {
    [0, 1, 2].map(|at: usize| Device::read(&vector["recipients"][at]))
}

/// The signer of the recording, entered through its stored form.
#[must_use]
pub fn signer(vector: &Value) -> ServerSigner {
    let key = private_key(&vector["server"], "private");
    let mut plaintext = vec![1];
    plaintext.extend_from_slice(key.expose());
    plaintext.extend_from_slice(key.public().as_bytes());
    record::write_bytes(&mut plaintext, &hex(&vector["server"], "certificate"));
    let sealer = Sealer::standalone(Secret::new([1; 32]));
    let mut random = Filler::numbered(1);
    let sealed = sealer.seal("server-signer", 1, &plaintext, &mut random).unwrap();
    ServerSigner::open(&sealer, 1, &sealed).unwrap()
}
