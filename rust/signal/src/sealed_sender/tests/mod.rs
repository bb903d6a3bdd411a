// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a recorded conversation does not show: other forms of certificates, every way in which the
//! sent form can be wrong, and the limits.

use e2ee_primitives::{Secret, random::Random, x25519, xeddsa};
use e2ee_state::{Failure, Sealer, StoreError};
use e2ee_wire::{Error, protobuf};

use crate::{Address, DeviceId, ServiceId, address::ServiceIdKind, keys::encode_ec};

use super::{
    Content, ContentKind, Hint, Receiver, SenderCertificate, SentMessage, ServerCertificate,
    ServerSigner, Subject, TrustAnchors, TrustRoot,
    certificate::{REVOKED_ID, Signed},
    open, v1,
    v2::{self, Destination, Recipients},
};

const ALICE: &str = "9d0652a3-dcc3-4d11-975f-74d61598733f";
const BOB: &str = "796abedb-ca4e-4f18-8803-1fde5b921f9f";
const EXPIRES_MS: u64 = 1_000;

/// Each draw is other than the one before.
struct Counting(u8);

impl Random for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.0 = self.0.wrapping_add(1);
        out.fill(self.0);
        Ok(())
    }
}

mod certificates;
mod messages;
mod sent;

struct World {
    root: TrustRoot,
    signer: ServerSigner,
    alice: x25519::PrivateKey,
    bob: x25519::PrivateKey,
}

fn world() -> World {
    let mut random = Counting(0);
    let root = TrustRoot::generate(&mut random).unwrap();
    let signer = root.server_signer(7, &mut random).unwrap();
    let [alice, bob] = [0x61, 0x62].map(|byte| x25519::PrivateKey::from_bytes(&[byte; 32]));
    World { root, signer, alice, bob }
}

impl World {
    fn subject(&self) -> Subject<'_> {
        Subject {
            service_id: ServiceId::parse(ALICE).unwrap(),
            device: DeviceId::new(1).unwrap(),
            identity_key: self.alice.public(),
            e164: Some("+14155550100"),
            expires_ms: EXPIRES_MS,
        }
    }

    fn certificate(&self) -> SenderCertificate {
        self.signer.issue(&self.subject(), &mut Counting(100)).unwrap()
    }

    fn content(certificate: SenderCertificate) -> Content {
        let (hint, group_id) = (Hint::Other(9), vec![1, 2]);
        let message = b"message".to_vec();
        Content { kind: ContentKind::Ratchet, certificate, message, hint, group_id }
    }

    fn sealed(&self) -> Vec<u8> {
        let content = Self::content(self.certificate()).encode();
        v1::seal(&self.alice, self.bob.public(), &content, &mut Counting(50)).unwrap()
    }

    fn open(
        &self,
        sealed: &[u8],
        receiver: &Address,
        e164: Option<&str>,
    ) -> Result<Content, Error> {
        let receiver = Receiver { identity: &self.bob, address: receiver, e164 };
        let anchors =
            TrustAnchors { roots: &[*self.root.public_key()], signers: &[], revoked: &[] };
        open(sealed, &receiver, &anchors, EXPIRES_MS)
    }

    /// A certificate with a body of the caller's own, signed by this world's server.
    fn signed(fields: &[(u32, Field<'_>)]) -> Vec<u8> {
        let body = body(fields);
        // The signer's own key is sealed away: a server of the same id is made for the purpose.
        let server = x25519::PrivateKey::from_bytes(&[0x73; 32]);
        let signature = xeddsa::sign(&server, &[&body], &mut Counting(9)).unwrap();
        outer(&body, &signature)
    }

    /// The certificate of the server that [`World::signed`] signs with, under a root of its own.
    fn server(id: u32) -> (x25519::PublicKey, ServerCertificate) {
        let root = x25519::PrivateKey::from_bytes(&[0x72; 32]);
        let server = x25519::PrivateKey::from_bytes(&[0x73; 32]);
        let key = encode_ec(server.public());
        let body = body(&[(1, Field::Number(id)), (2, Field::Bytes(&key))]);
        let signature = xeddsa::sign(&root, &[&body], &mut Counting(8)).unwrap();
        (*root.public(), ServerCertificate::of(Signed { body, signature }).unwrap())
    }
}

#[derive(Clone, Copy)]
enum Field<'a> {
    Number(u32),
    Time(u64),
    Bytes(&'a [u8]),
}

fn body(fields: &[(u32, Field<'_>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, field) in fields {
        match field {
            Field::Number(value) => protobuf::write_varint(&mut out, *number, u64::from(*value)),
            Field::Time(value) => protobuf::write_fixed64(&mut out, *number, *value),
            Field::Bytes(bytes) => protobuf::write_bytes(&mut out, *number, bytes),
        }
    }
    out
}

fn outer(body: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    protobuf::write_bytes(&mut out, 1, body);
    protobuf::write_bytes(&mut out, 2, signature);
    out
}

fn address(name: &str, device: u32) -> Address {
    Address::new(name, DeviceId::new(device).unwrap()).unwrap()
}

/// A well-formed body that names its signer by id and its sender by bytes.
fn fields<'a>(key: &'a [u8], uuid: &'a [u8], id: u32) -> Vec<(u32, Field<'a>)> {
    vec![
        (2, Field::Number(1)),
        (3, Field::Time(EXPIRES_MS)),
        (4, Field::Bytes(key)),
        (7, Field::Bytes(uuid)),
        (8, Field::Number(id)),
    ]
}
