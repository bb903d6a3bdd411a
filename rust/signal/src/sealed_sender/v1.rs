// SPDX-License-Identifier: MIT OR Apache-2.0
//! The first version, for one recipient: two boxes, the first around the sender's identity key,
//! the second, under a key that only this sender could derive, around the content
//! (signal.md §10.3).

use e2ee_primitives::{
    Secret, ctr_hmac::BoxKeys, hkdf, random::Random, secret::SecretBytes, x25519,
};
use e2ee_wire::{Error, protobuf};

use crate::keys::{EC_KEY_LEN, decode_ec, encode_ec};

use super::content::Content;

/// The version that is needed and the version that is spoken, 1 both.
const VERSION: u8 = 0x11;
const SALT_LABEL: &[u8] = b"UnidentifiedDelivery";

/// Seals an encoded content message for the holder of `recipient`; draws exactly 32 bytes.
pub fn seal(
    sender: &x25519::PrivateKey,
    recipient: &x25519::PublicKey,
    content: &SecretBytes,
    random: &mut dyn Random,
) -> Result<Vec<u8>, Error> {
    let ephemeral = x25519::PrivateKey::random(random)?;
    let outer = Outer::derive(&ephemeral.agree(recipient)?, recipient, ephemeral.public());
    let sealed_identity = outer.keys.seal(&encode_ec(sender.public()))?;
    let inner = inner_keys(&outer.chain, &sealed_identity, &sender.agree(recipient)?);
    let sealed_content = inner.seal(content.expose())?;

    let mut out = Vec::with_capacity(sealed_content.len().saturating_add(128));
    out.push(VERSION);
    protobuf::write_bytes(&mut out, 1, &encode_ec(ephemeral.public()));
    protobuf::write_bytes(&mut out, 2, &sealed_identity);
    protobuf::write_bytes(&mut out, 3, &sealed_content);
    Ok(out)
}

/// Opens what [`seal`] made for us; the certificate inside is still to be validated.
///
/// The first byte is not looked at: whoever chose this version has read it.
pub fn open(recipient: &x25519::PrivateKey, sealed: &[u8]) -> Result<Content, Error> {
    let (_, message) = sealed.split_first().ok_or(Error::Malformed)?;
    let [ephemeral, sealed_identity, sealed_content] = protobuf::singular(message)?;
    let ephemeral = decode_ec(ephemeral.ok_or(Error::Malformed)?.bytes()?)?;
    let sealed_identity = sealed_identity.ok_or(Error::Malformed)?.bytes()?;
    let sealed_content = sealed_content.ok_or(Error::Malformed)?.bytes()?;

    let shared = recipient.agree(&ephemeral).or(Err(Error::Forged))?;
    let outer = Outer::derive(&shared, recipient.public(), &ephemeral);
    let identity = outer.keys.open(sealed_identity)?;
    let sender = decode_ec(identity.expose()).or(Err(Error::Forged))?;
    let shared = recipient.agree(&sender).or(Err(Error::Forged))?;
    let content = inner_keys(&outer.chain, sealed_identity, &shared).open(sealed_content)?;

    let content = Content::decode(content.expose())?;
    let claimed = Secret::new(encode_ec(content.certificate.identity_key()));
    let proved = Secret::<EC_KEY_LEN>::from_slice(identity.expose()).ok_or(Error::Forged)?;
    if claimed.ct_eq(&proved) { Ok(content) } else { Err(Error::Forged) }
}

/// What the ephemeral key derives: the keys of the first box, and a chain to those of the second.
struct Outer {
    chain: Secret<32>,
    keys: BoxKeys,
}

impl Outer {
    fn derive(
        shared: &Secret<32>,
        recipient: &x25519::PublicKey,
        ephemeral: &x25519::PublicKey,
    ) -> Self {
        let salt = [SALT_LABEL, &encode_ec(recipient), &encode_ec(ephemeral)].concat();
        let derived: Secret<96> = hkdf::derive(&salt, &[shared.expose()], &[]);
        let (chain, cipher_key, mac_key) = derived.split();
        Self { chain, keys: BoxKeys::new(cipher_key, mac_key) }
    }
}

/// The keys of the second box, which bind the first one with its tag.
fn inner_keys(chain: &Secret<32>, sealed_identity: &[u8], shared: &Secret<32>) -> BoxKeys {
    let salt = SecretBytes::new([chain.expose(), sealed_identity].concat());
    let derived: Secret<96> = hkdf::derive(salt.expose(), &[shared.expose()], &[]);
    let (_, cipher_key, mac_key) = derived.split();
    BoxKeys::new(cipher_key, mac_key)
}
