// SPDX-License-Identifier: MIT OR Apache-2.0
//! Blobs of attachments under a fixed key, read both ways (signal.md §13).
//!
//! The first byte is the size of the chunks, the second that of the file; the pointer's digest,
//! and, if the third is odd, the incremental MAC, belong to the blob, and then an honest tag ends
//! it, so that what comes behind the checks is reached.
#![no_main]

use e2ee_primitives::{Random, Secret, hmac::HmacKey, sha};
use e2ee_signal::attachment::{
    AttachmentKey, AttachmentPointer, ChunkSize, Incremental, IncrementalMac, StreamOpener,
    Verifier,
};
use e2ee_wire::Error;

const MAX_BODY_LEN: usize = 512;

struct Fixed;

impl Random for Fixed {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(7);
        Ok(())
    }
}

fn streamed(blob: &[u8], pointer: &AttachmentPointer, chunk: usize) -> Result<Vec<u8>, Error> {
    let (mut opener, mut out) = (StreamOpener::new(pointer)?, Vec::new());
    let chunks = blob.chunks_exact(chunk);
    let rest = chunks.remainder();
    for each in chunks {
        out.extend_from_slice(opener.open_chunk(each)?.expose());
    }
    out.extend_from_slice(opener.finish(rest)?.expose());
    Ok(out)
}

fn verified(blob: &[u8], pointer: AttachmentPointer) -> Result<Vec<u8>, Error> {
    let mut verifier = Verifier::new(pointer, &mut Fixed)?;
    blob.chunks(33).try_for_each(|piece| verifier.update(piece))?;
    let segments = verifier.finish()?;
    if segments.size() == 0 {
        return Ok(Vec::new());
    }
    let (start, length) = segments.range(0)?;
    assert_eq!(0, start);
    segments.open(0, &blob[..length]).map(|opened| opened.expose().to_vec())
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&[chunk, size, honest], body)) = bytes.split_first_chunk::<3>() else { return };
    // More bytes reach nothing new, and each costs up to one HMAC.
    let body = body.get(..MAX_BODY_LEN).unwrap_or(body);
    let mac_key = HmacKey::new(&[9; 32]);
    let mut blob = body.to_vec();
    if honest % 2 == 1 {
        blob.extend_from_slice(&mac_key.tag(&[body]));
    }
    let chunk = u32::from(chunk) + 1;
    let mut mac = IncrementalMac::new(&mac_key, ChunkSize::new(chunk).unwrap());
    mac.update(&blob);
    let pointer = || AttachmentPointer {
        key: AttachmentKey::new(Secret::new([9; 64])),
        digest: sha::sha256(&[&blob]),
        size: u32::from(size),
        incremental: None,
    };
    let mut with_chunks = pointer();
    let values = mac.finish();
    with_chunks.incremental = Incremental::new(chunk, &values).unwrap();
    let (one, other) = (
        streamed(&blob, &with_chunks, usize::try_from(chunk).unwrap()),
        verified(&blob, pointer()),
    );
    assert_eq!(one, other);
    assert!(one.is_err() || honest % 2 == 1 || blob.len() < 32);
});
