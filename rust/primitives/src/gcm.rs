// SPDX-License-Identifier: MIT OR Apache-2.0
//! AES-256-GCM (NIST SP 800-38D), computed by aws-lc: the bytes that an application seals itself
//! (docs/formats.md, "Sealed file").
//!
//! The portable twin is `aes-gcm`; the tests compare the two on random input.

use core::fmt;
use core::mem::MaybeUninit;
use core::ptr;

use aws_lc_sys::EVP_AEAD_CTX;

use crate::secret::Secret;
use e2ee_wire::Error;

/// Bytes of a nonce.
pub const NONCE_LEN: usize = 12;
/// Bytes of the tag behind each ciphertext.
pub const TAG_LEN: usize = 16;

/// A key that is ready for use, with its schedule and its table; any number of threads may use it.
///
/// It lies on the heap, so that a move leaves no copy behind, and is wiped there.
pub struct GcmKey(Box<MaybeUninit<EVP_AEAD_CTX>>);

impl GcmKey {
    /// Expands a key; [`Error::InvalidKey`] if the library cannot.
    #[expect(unsafe_code, reason = "aws-lc is a C library")]
    pub fn new(key: &Secret<32>) -> Result<Self, Error> {
        let mut state: Box<MaybeUninit<EVP_AEAD_CTX>> = Box::new_uninit();
        // SAFETY: EVP_AEAD_CTX_zero writes all of the state, which is ours alone and as long as its
        // type says.
        unsafe { aws_lc_sys::EVP_AEAD_CTX_zero(state.as_mut_ptr()) };
        let mut key_state = Self(state);
        // SAFETY: the state was set to zero; EVP_AEAD_CTX_init reads 32 bytes of the key, which has
        // as many, and takes no engine.
        let made = unsafe {
            aws_lc_sys::EVP_AEAD_CTX_init(
                key_state.0.as_mut_ptr(),
                aws_lc_sys::EVP_aead_aes_256_gcm(),
                key.expose().as_ptr(),
                key.expose().len(),
                TAG_LEN,
                ptr::null_mut(),
            )
        };
        if made == 1 { Ok(key_state) } else { Err(Error::InvalidKey) }
    }

    /// Seals a plaintext into `out`, which has room for it and the tag, exactly.
    ///
    /// [`Error::InvalidArgument`] if it has not, or if the plaintext is longer than the 64 GiB of
    /// SP 800-38D §5.2.1.1; what is in `out` is then of no use.
    pub fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated_data: &[u8],
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<(), Error> {
        let (body, tag) = out.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::InvalidArgument)?;
        if body.len() != plaintext.len() {
            return Err(Error::InvalidArgument);
        }
        let target = body.as_mut_ptr();
        self.seal_raw(nonce, associated_data, plaintext.as_ptr(), (target, body.len()), tag)
    }

    /// Seals a plaintext where it lies; the last 16 bytes of the buffer are room for the tag.
    ///
    /// Errors as [`GcmKey::seal`].
    pub fn seal_in_place(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated_data: &[u8],
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        let (body, tag) = buffer.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::InvalidArgument)?;
        let target = body.as_mut_ptr();
        self.seal_raw(nonce, associated_data, target, (target, body.len()), tag)
    }

    /// Opens what [`GcmKey::seal`] made into `out`, which is exactly as long as the plaintext.
    ///
    /// Any difference in key, nonce, associated data or bytes is [`Error::Forged`]; `out` is then
    /// zero.
    pub fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated_data: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<(), Error> {
        let (body, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or(Error::Forged)?;
        if body.len() != out.len() {
            return Err(Error::InvalidArgument);
        }
        let target = (out.as_mut_ptr(), out.len());
        let opened = self.open_raw(nonce, associated_data, body.as_ptr(), target, tag);
        if opened.is_err() {
            out.fill(0);
        }
        opened
    }

    /// Opens where it lies, and returns the plaintext, which is all but the last 16 bytes.
    ///
    /// Errors as [`GcmKey::open`].
    pub fn open_in_place<'a>(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated_data: &[u8],
        buffer: &'a mut [u8],
    ) -> Result<&'a mut [u8], Error> {
        let (body, tag) = buffer.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::Forged)?;
        let target = body.as_mut_ptr();
        let opened = self.open_raw(nonce, associated_data, target, (target, body.len()), tag);
        if opened.is_err() {
            body.fill(0);
        }
        opened.map(|()| body)
    }

    /// `source` is either the target itself or apart from it, and has as many bytes.
    #[expect(unsafe_code, reason = "aws-lc writes straight into the caller's buffer")]
    fn seal_raw(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated_data: &[u8],
        source: *const u8,
        (target, length): (*mut u8, usize),
        tag: &mut [u8; TAG_LEN],
    ) -> Result<(), Error> {
        let mut tag_len = 0;
        // SAFETY: the state was made by `new` and is only read. `length` bytes can be read at the
        // source and written at the target, which are the same or apart: the two callers made them
        // from slices of that length. Nonce, tag and associated data are passed with their lengths.
        let sealed = unsafe {
            aws_lc_sys::EVP_AEAD_CTX_seal_scatter(
                self.0.as_ptr(),
                target,
                tag.as_mut_ptr(),
                &raw mut tag_len,
                tag.len(),
                nonce.as_ptr(),
                nonce.len(),
                source,
                length,
                ptr::null(),
                0,
                associated_data.as_ptr(),
                associated_data.len(),
            )
        };
        if sealed == 1 && tag_len == TAG_LEN { Ok(()) } else { Err(Error::InvalidArgument) }
    }

    /// As [`GcmKey::seal_raw`], in the other direction.
    #[expect(unsafe_code, reason = "aws-lc writes straight into the caller's buffer")]
    fn open_raw(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated_data: &[u8],
        source: *const u8,
        (target, length): (*mut u8, usize),
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Error> {
        // SAFETY: as in `seal_raw`; the tag is read.
        let opened = unsafe {
            aws_lc_sys::EVP_AEAD_CTX_open_gather(
                self.0.as_ptr(),
                target,
                nonce.as_ptr(),
                nonce.len(),
                source,
                length,
                tag.as_ptr(),
                tag.len(),
                associated_data.as_ptr(),
                associated_data.len(),
            )
        };
        if opened == 1 { Ok(()) } else { Err(Error::Forged) }
    }
}

impl Drop for GcmKey {
    #[expect(unsafe_code, reason = "the schedule lies in a type of the C library")]
    fn drop(&mut self) {
        // SAFETY: the state was made by `new`, is ours alone, and is not used again. The second
        // call writes zeros over as many bytes as its type has.
        unsafe {
            aws_lc_sys::EVP_AEAD_CTX_cleanup(self.0.as_mut_ptr());
            aws_lc_sys::OPENSSL_cleanse(self.0.as_mut_ptr().cast(), size_of::<EVP_AEAD_CTX>());
        }
    }
}

// SAFETY: sealing and opening only read the state (aws-lc's aead.h: an initialised context may be
// used by several threads at once), and it points at nothing but constant tables.
#[expect(unsafe_code, reason = "a pointer to a constant table is all that stands against it")]
unsafe impl Send for GcmKey {}

// SAFETY: as above.
#[expect(unsafe_code, reason = "a pointer to a constant table is all that stands against it")]
unsafe impl Sync for GcmKey {}

impl fmt::Debug for GcmKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("GcmKey(..)")
    }
}

#[cfg(test)]
mod tests;
