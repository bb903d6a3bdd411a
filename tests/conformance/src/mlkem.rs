// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cuts the whole objects of ML-KEM-768 vectors into the halves of spqr.md §5.

use e2ee_primitives::Secret;
use e2ee_primitives::mlkem768::{self, CT1_LEN, CT2_LEN, HEADER_LEN, VECTOR_LEN};
use e2ee_primitives::sha::sha3_256;

/// An encapsulation key as header and vector; nothing if its length is not 1184.
#[must_use]
pub fn halves_of_key(bytes: &[u8]) -> Option<([u8; HEADER_LEN], [u8; VECTOR_LEN])> {
    let (vector, rho) = bytes.split_first_chunk::<VECTOR_LEN>()?;
    let rho: [u8; 32] = rho.try_into().ok()?;
    let header = [rho, sha3_256(&[bytes])].concat();
    Some((header.try_into().ok()?, *vector))
}

/// A ciphertext as its two parts; nothing if its length is not 1088.
#[must_use]
pub fn halves_of_ciphertext(bytes: &[u8]) -> Option<([u8; CT1_LEN], [u8; CT2_LEN])> {
    let (ct1, ct2) = bytes.split_first_chunk::<CT1_LEN>()?;
    Some((*ct1, ct2.try_into().ok()?))
}

/// The whole ciphertext and the secret of an encapsulation to a whole key.
///
/// Nothing if the key has another length or does not pass the check: then nobody encapsulates.
#[must_use]
pub fn encapsulate(key: &[u8], message: [u8; 32]) -> Option<(Vec<u8>, [u8; 32])> {
    let (header, vector) = halves_of_key(key)?;
    if !mlkem768::check(&header, &vector) {
        return None;
    }
    let message = Secret::new(message);
    let (ct1, shared) = mlkem768::encapsulate1(&header, &message);
    let ct2 = mlkem768::encapsulate2(&header, &message, &vector);
    Some(([ct1.as_slice(), &ct2].concat(), *shared.expose()))
}

/// The whole encapsulation key of a decapsulation key: vector ‖ ρ.
#[must_use]
pub fn whole_key(key: &mlkem768::DecapsulationKey) -> Vec<u8> {
    [key.vector().as_slice(), &key.header()[..32]].concat()
}
