// SPDX-License-Identifier: MIT OR Apache-2.0
//! `XEdDSA` signatures by X25519 keys, in the variant that Signal uses (signal.md §2.3).

use std::sync::OnceLock;

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::montgomery::MontgomeryPoint;
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::random::Random;
use crate::secret::Secret;
use crate::x25519::{PrivateKey, PublicKey};
use e2ee_wire::Error;

/// Signs the concatenated parts; draws exactly 64 bytes.
///
/// Unlike the specification of `XEdDSA`, and like signal.md §2.3, the key is not negated to sign 0:
/// the sign of A travels in the top bit of s, because peers made their keys this way. A is computed
/// with a key's first signature.
pub fn sign(
    key: &PrivateKey,
    message: &[&[u8]],
    random: &mut dyn Random,
) -> Result<[u8; 64], Error> {
    sign_under(key, key.edwards_public(|| edwards_public(key)), message, random)
}

/// A key that signs often: its public point is computed once, not with each signature.
#[derive(Debug)]
pub struct SigningKey {
    key: PrivateKey,
    edwards_public: [u8; 32],
}

impl SigningKey {
    /// Takes the key pair and computes its public point.
    #[must_use]
    pub fn new(key: PrivateKey) -> Self {
        let edwards_public = edwards_public(&key);
        Self { key, edwards_public }
    }

    /// The key pair with its point as [`SigningKey::edwards_public`] gave it.
    #[must_use]
    pub const fn from_parts(key: PrivateKey, edwards_public: [u8; 32]) -> Self {
        Self { key, edwards_public }
    }

    /// The key pair.
    #[must_use]
    pub const fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// The public point A with its sign, compressed; it is not secret.
    #[must_use]
    pub const fn edwards_public(&self) -> &[u8; 32] {
        &self.edwards_public
    }

    /// Signs like [`sign`]; draws exactly 64 bytes.
    pub fn sign(&self, message: &[&[u8]], random: &mut dyn Random) -> Result<[u8; 64], Error> {
        sign_under(&self.key, &self.edwards_public, message, random)
    }
}

fn edwards_public(key: &PrivateKey) -> [u8; 32] {
    let private = Zeroizing::new(Scalar::from_bytes_mod_order(*key.expose()));
    EdwardsPoint::mul_base(&private).compress().to_bytes()
}

fn sign_under(
    key: &PrivateKey,
    public: &[u8; 32],
    message: &[&[u8]],
    random: &mut dyn Random,
) -> Result<[u8; 64], Error> {
    let nonce = Secret::<64>::random(random)?;
    let private = Zeroizing::new(Scalar::from_bytes_mod_order(*key.expose()));
    let mut prefix = [0xff; 32];
    prefix[0] = 0xfe;
    let secret_scalar = hash(&[&prefix, key.expose()], message, nonce.expose());
    let commitment = EdwardsPoint::mul_base(&secret_scalar).compress().to_bytes();
    let challenge = hash(&[&commitment, public], message, &[]);
    let response = *challenge * *private + *secret_scalar;

    let mut signature = [0; 64];
    let (first, second) = signature.split_at_mut(32);
    first.copy_from_slice(&commitment);
    second.copy_from_slice(response.as_bytes());
    signature[63] |= public[31] & SIGN_BIT;
    Ok(signature)
}

/// Verifies a signature over the concatenated parts; cofactorless, R is not decoded.
///
/// Unlike the specification signal.md §2.3, a response s of at least the group order is refused:
/// it would give every signature a second form, and no signer makes one. So is a public key that
/// is not in its one form (`XEdDSA` §2.4): a signed identity would have several.
pub fn verify(key: &PublicKey, message: &[&[u8]], signature: &[u8; 64]) -> Result<(), Error> {
    let Parts { commitment, sign, response } = Parts::of(signature)?;
    Signer::of(key, sign).ok_or(Error::BadSignature)?.verify(message, &commitment, &response)
}

/// A public key that verifies often: its point is computed with the first signature that needs it.
#[derive(Debug)]
pub struct VerifyingKey {
    key: PublicKey,
    /// One for each sign that a signature can name.
    signers: [OnceLock<Option<Box<Signer>>>; 2],
}

impl VerifyingKey {
    /// Takes the key; whether it is the key of a signer at all, the signatures show.
    #[must_use]
    pub const fn new(key: PublicKey) -> Self {
        Self { key, signers: [const { OnceLock::new() }; 2] }
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Accepts what [`verify`] accepts under this key, and nothing else.
    pub fn verify(&self, message: &[&[u8]], signature: &[u8; 64]) -> Result<(), Error> {
        let Parts { commitment, sign, response } = Parts::of(signature)?;
        let [positive, negative] = &self.signers;
        let place = if sign == 0 { positive } else { negative };
        let signer = place.get_or_init(|| Signer::of(&self.key, sign).map(Box::new));
        signer.as_ref().ok_or(Error::BadSignature)?.verify(message, &commitment, &response)
    }
}

/// What a signature consists of.
struct Parts {
    commitment: [u8; 32],
    /// Of the signer's point.
    sign: u8,
    response: Scalar,
}

impl Parts {
    fn of(signature: &[u8; 64]) -> Result<Self, Error> {
        let mut commitment = [0; 32];
        let mut response = [0; 32];
        let (first, second) = signature.split_at(32);
        commitment.copy_from_slice(first);
        response.copy_from_slice(second);
        let sign = response[31] >> 7;
        response[31] &= !SIGN_BIT;
        let response = Option::<Scalar>::from(Scalar::from_canonical_bytes(response))
            .ok_or(Error::BadSignature)?;
        Ok(Self { commitment, sign, response })
    }
}

/// The signer's point with one of its signs.
#[derive(Debug)]
struct Signer {
    negated: EdwardsPoint,
    encoded: [u8; 32],
}

impl Signer {
    /// None if the key is not in its one form, or no point of the curve.
    fn of(key: &PublicKey, sign: u8) -> Option<Self> {
        let point = MontgomeryPoint(*key.as_bytes()).to_edwards(sign);
        let point = point.filter(|_| key.is_reduced())?;
        Some(Self { negated: -point, encoded: point.compress().to_bytes() })
    }

    fn verify(
        &self,
        message: &[&[u8]],
        commitment: &[u8; 32],
        response: &Scalar,
    ) -> Result<(), Error> {
        let challenge = hash(&[commitment, &self.encoded], message, &[]);
        let expected =
            EdwardsPoint::vartime_double_scalar_mul_basepoint(&challenge, &self.negated, response)
                .compress()
                .to_bytes();
        if bool::from(expected.ct_eq(commitment)) { Ok(()) } else { Err(Error::BadSignature) }
    }
}

/// SHA-512 of head, message and tail, as a scalar; it may be a secret one.
pub(crate) fn hash(head: &[&[u8]], message: &[&[u8]], tail: &[u8]) -> Zeroizing<Scalar> {
    let mut state = Sha512::new();
    for part in head.iter().chain(message) {
        state.update(part);
    }
    state.update(tail);
    let mut digest: [u8; 64] = state.finalize().into();
    let scalar = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&digest));
    digest.zeroize();
    scalar
}

const SIGN_BIT: u8 = 0x80;

#[cfg(test)]
mod tests;
