// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a file to its ciphertext, piece by piece (olm_megolm.md §7).

use e2ee_primitives::{Random, ctr_stream::CtrStream, sha::RunningSha256};
use e2ee_wire::Error;

use super::{Attachment, AttachmentKey};

/// Encrypts one file under a key that is drawn here.
#[derive(Debug)]
pub struct Encryptor {
    key: AttachmentKey,
    stream: CtrStream,
    digest: RunningSha256,
}

impl Encryptor {
    /// An encryptor at the first byte; draws exactly 40 bytes.
    pub fn begin(random: &mut dyn Random) -> Result<Self, Error> {
        let key = AttachmentKey::random(random)?;
        Ok(Self { stream: key.stream(), digest: RunningSha256::new(), key })
    }

    /// Appends the ciphertext of the next bytes.
    pub fn update(&mut self, plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let start = out.len();
        self.stream.append(plaintext, out)?;
        let (_, written) = out.split_at(start);
        self.digest.update(written);
        Ok(())
    }

    /// What the event has to say of the file.
    #[must_use]
    pub fn finish(self) -> Attachment {
        Attachment { key: self.key, digest: self.digest.finish() }
    }
}
