// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ed25519 (RFC 8032 §5.1): signing by aws-lc or by raw scalars, one strict rule of verification.
//!
//! The portable twin of the signing from a seed is `curve25519-dalek`, which the other form of a
//! key uses; the tests compare the two.

use core::fmt;
use std::sync::OnceLock;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::random::Random;
use crate::secret::Secret;
use crate::{sha, xeddsa};
use e2ee_wire::Error;

/// A public point A as it travels, 32 bytes: y, and the sign of x in the top bit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Takes the bytes as they are; whether they are a point, [`VerifyingKey::check`] says.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes as they travel.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The point, unless it is of small order or not written in its one form.
    ///
    /// RFC 8032 §5.1.3 decodes y below p = 2^255 − 19 only, and x = 0 without a sign only; the
    /// two points with x = 0 are of small order.
    fn point(&self) -> Option<EdwardsPoint> {
        let [low, middle @ .., high] = &self.0;
        let at_least_p =
            *high | SIGN_BIT == 0xff && *low >= 0xed && middle.iter().all(|byte| *byte == 0xff);
        let point = CompressedEdwardsY(self.0).decompress().filter(|_| !at_least_p)?;
        Some(point).filter(|point| !point.is_small_order())
    }
}

/// A key that signs, in one of its two forms, with its public half beside it.
pub struct SigningKey {
    form: Form,
    public: PublicKey,
}

enum Form {
    /// What the other form is made of by SHA-512.
    Seed(Secret<32>),
    /// The clamped scalar, then the prefix of the nonces.
    Expanded(Secret<64>),
}

/// The private half of a [`SigningKey`] for a stored record.
///
/// A key that came expanded has no seed that anybody could find.
pub enum PrivateHalf<'a> {
    /// The seed, 32 bytes (RFC 8032 §5.1.5).
    Seed(&'a [u8; 32]),
    /// The clamped scalar and the prefix, 32 bytes each (RFC 8032 §5.1.5, what step 1 hashes to).
    Expanded(&'a [u8; 64]),
}

impl SigningKey {
    /// Draws exactly 32 bytes, the seed.
    pub fn random(random: &mut dyn Random) -> Result<Self, Error> {
        Ok(Self::from_seed(Secret::random(random)?))
    }

    /// The key of a seed (RFC 8032 §5.1.5).
    #[must_use]
    pub fn from_seed(seed: Secret<32>) -> Self {
        let public = public_of(&seed);
        Self { form: Form::Seed(seed), public }
    }

    /// The key of a clamped scalar and a prefix, 32 bytes each; its public half is computed.
    ///
    /// [`Error::InvalidKey`] if the scalar is not clamped as RFC 8032 §5.1.5 does it.
    pub fn from_expanded(expanded: Secret<64>) -> Result<Self, Error> {
        let [low, .., high] = expanded.part::<0, 32>().expose().map(|byte| byte & CLAMPED_BITS);
        if low & 0b111 != 0 || high & 0b1100_0000 != 0b0100_0000 {
            return Err(Error::InvalidKey);
        }
        let public = EdwardsPoint::mul_base(&scalar(&expanded)).compress().to_bytes();
        Ok(Self { form: Form::Expanded(expanded), public: PublicKey(public) })
    }

    /// Joins a stored private half to its public half without computing anything.
    ///
    /// The public half must be the one that belongs to it: a state that was sealed by us. Under
    /// another one, signatures tell the private half.
    #[must_use]
    pub const fn from_parts(private: &PrivateHalf<'_>, public: PublicKey) -> Self {
        let form = match private {
            PrivateHalf::Seed(seed) => Form::Seed(Secret::new(**seed)),
            PrivateHalf::Expanded(expanded) => Form::Expanded(Secret::new(**expanded)),
        };
        Self { form, public }
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The private half, for sealing into a stored state.
    #[must_use]
    pub const fn expose(&self) -> PrivateHalf<'_> {
        match &self.form {
            Form::Seed(seed) => PrivateHalf::Seed(seed.expose()),
            Form::Expanded(expanded) => PrivateHalf::Expanded(expanded.expose()),
        }
    }

    /// The clamped scalar and the prefix, 32 bytes each (RFC 8032 §5.1.5), of either form.
    #[must_use]
    pub fn expanded(&self) -> Secret<64> {
        match &self.form {
            Form::Seed(seed) => expand(seed),
            Form::Expanded(expanded) => expanded.duplicate(),
        }
    }

    /// Signs; both forms of one key give the same signature (RFC 8032 §5.1.6).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        match &self.form {
            Form::Seed(seed) => sign_by_seed(seed, &self.public, message)
                .unwrap_or_else(|| sign_expanded(&expand(seed), &self.public, message)),
            Form::Expanded(expanded) => sign_expanded(expanded, &self.public, message),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({:?}, ..)", self.public)
    }
}

impl fmt::Debug for PrivateHalf<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Seed(_) => "Seed(..)",
            Self::Expanded(_) => "Expanded(..)",
        })
    }
}

/// Verifies a signature; [`Error::BadSignature`] for whatever is wrong with it or the key.
///
/// RFC 8032 §5.1.7 without the cofactor: s is below the group order, R is compared by its
/// encoding. Unlike the specification, points A and R of small order are refused: a signature
/// under them binds no message.
pub fn verify(key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> Result<(), Error> {
    let point = key.point().ok_or(Error::BadSignature)?;
    verify_under(key, &-point, message, signature)
}

/// A public key that verifies often: its point is computed once, when it is first needed.
#[derive(Debug)]
pub struct VerifyingKey {
    key: PublicKey,
    negated: OnceLock<Option<Box<EdwardsPoint>>>,
}

impl VerifyingKey {
    /// Takes the key; nothing is computed yet.
    #[must_use]
    pub const fn new(key: PublicKey) -> Self {
        Self { key, negated: OnceLock::new() }
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// [`Error::InvalidKey`] if no signature verifies under the key, because it is no point, one
    /// of small order, or not written in its one form.
    pub fn check(&self) -> Result<(), Error> {
        self.negated().map(|_| ()).ok_or(Error::InvalidKey)
    }

    /// Accepts what [`verify`] accepts under this key, and nothing else.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), Error> {
        let negated = self.negated().ok_or(Error::BadSignature)?;
        verify_under(&self.key, negated, message, signature)
    }

    fn negated(&self) -> Option<&EdwardsPoint> {
        self.negated.get_or_init(|| self.key.point().map(|point| Box::new(-point))).as_deref()
    }
}

fn verify_under(
    key: &PublicKey,
    negated: &EdwardsPoint,
    message: &[u8],
    signature: &[u8; 64],
) -> Result<(), Error> {
    let mut commitment = [0; 32];
    let mut response = [0; 32];
    let (first, second) = signature.split_at(32);
    commitment.copy_from_slice(first);
    response.copy_from_slice(second);
    let response = Option::<Scalar>::from(Scalar::from_canonical_bytes(response))
        .ok_or(Error::BadSignature)?;
    let challenge = xeddsa::hash(&[&commitment, key.as_bytes()], &[message], &[]);
    let expected =
        EdwardsPoint::vartime_double_scalar_mul_basepoint(&challenge, negated, &response);
    // If the encodings are equal, this point is the signature's R: R itself need not be decoded.
    let equal = expected.compress().to_bytes().ct_eq(&commitment);
    if bool::from(equal) && !expected.is_small_order() { Ok(()) } else { Err(Error::BadSignature) }
}

/// RFC 8032 §5.1.6 over an expanded key.
fn sign_expanded(expanded: &Secret<64>, public: &PublicKey, message: &[u8]) -> [u8; 64] {
    let nonce = xeddsa::hash(&[expanded.part::<32, 32>().expose()], &[message], &[]);
    let commitment = EdwardsPoint::mul_base(&nonce).compress().to_bytes();
    let challenge = xeddsa::hash(&[&commitment, public.as_bytes()], &[message], &[]);
    let response = *challenge * *scalar(expanded) + *nonce;

    let mut signature = [0; 64];
    let (first, second) = signature.split_at_mut(32);
    first.copy_from_slice(&commitment);
    second.copy_from_slice(response.as_bytes());
    signature
}

fn scalar(expanded: &Secret<64>) -> Zeroizing<Scalar> {
    Zeroizing::new(Scalar::from_bytes_mod_order(*expanded.part::<0, 32>().expose()))
}

/// RFC 8032 §5.1.5, steps 1 and 2.
fn expand(seed: &Secret<32>) -> Secret<64> {
    let digest = Zeroizing::new(sha::sha512(&[seed.expose()]));
    let mut expanded = Secret::new(*digest);
    let bytes = expanded.expose_mut();
    bytes[0] &= 0b1111_1000;
    bytes[31] &= 0b0111_1111;
    bytes[31] |= 0b0100_0000;
    expanded
}

#[expect(unsafe_code, reason = "the fastest fixed-base multiplication, twice dalek's")]
fn public_of(seed: &Secret<32>) -> PublicKey {
    let mut pair = Secret::<64>::zero();
    let mut public = [0; 32];
    // SAFETY: ED25519_keypair_from_seed writes 32 bytes at its first argument and 64 at its second
    // and reads 32 at its third; all three are arrays of that length, and the two that are written
    // are exclusively ours.
    unsafe {
        aws_lc_sys::ED25519_keypair_from_seed(
            public.as_mut_ptr(),
            pair.expose_mut().as_mut_ptr(),
            seed.expose().as_ptr(),
        );
    }
    PublicKey(public)
}

/// None if aws-lc found no memory.
#[expect(unsafe_code, reason = "the fastest signing, twice as fast as dalek's")]
fn sign_by_seed(seed: &Secret<32>, public: &PublicKey, message: &[u8]) -> Option<[u8; 64]> {
    let mut pair = Secret::<64>::zero();
    let (first, second) = pair.expose_mut().split_at_mut(32);
    first.copy_from_slice(seed.expose());
    second.copy_from_slice(public.as_bytes());
    let mut signature = [0; 64];
    // SAFETY: ED25519_sign writes 64 bytes at its first argument, an array of that length that is
    // exclusively ours; it reads as many bytes of the message as its length says, which a slice
    // upholds, and 64 bytes of the key pair, which is an array of that length.
    let signed = unsafe {
        aws_lc_sys::ED25519_sign(
            signature.as_mut_ptr(),
            message.as_ptr(),
            message.len(),
            pair.expose().as_ptr(),
        )
    };
    (signed == 1).then_some(signature)
}

const SIGN_BIT: u8 = 0x80;

/// The bits that clamping fixes, at either end of a scalar; they are no secret.
const CLAMPED_BITS: u8 = 0b1100_0111;

#[cfg(test)]
mod tests;
