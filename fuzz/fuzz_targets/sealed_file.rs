// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sealed files under a fixed key, as a whole and as a stream (docs/formats.md, "Sealed file").
//!
//! If the first byte is odd, what follows is sealed first, and then changed at one place and cut or
//! extended as the next bytes say: so that what comes behind the checks is reached.
#![no_main]

use e2ee_files::{Contents, FileKey, FileSecret, HEADER_LEN, Opener, RUN_LEN, Sealer, SegmentSize};
use e2ee_primitives::{Random, Secret};
use e2ee_wire::Error;

struct Fixed;

impl Random for Fixed {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(7);
        Ok(())
    }
}

fn secret() -> FileSecret {
    FileSecret::Key(FileKey::new(Secret::new([9; 32]), SegmentSize::Small))
}

fn sealed(plaintext: &[u8]) -> Vec<u8> {
    let (sealer, mut file) = Sealer::begin(&secret(), b"ad", &mut Fixed).unwrap();
    sealer.update(plaintext, &mut file).unwrap().finish(&mut file).unwrap();
    file
}

fn whole(file: &[u8]) -> Result<Vec<u8>, Error> {
    let preamble = &file[..file.len().min(HEADER_LEN)];
    let length = u64::try_from(file.len()).unwrap();
    let contents = Contents::new(&secret(), b"ad", preamble, length)?;
    let mut out = Vec::new();
    while let Some(run) = contents.take() {
        let (start, len) = (usize::try_from(run.sealed().start).unwrap(), run.sealed().len);
        assert!(len <= RUN_LEN);
        out.extend_from_slice(contents.open(&run, &file[start..start + len])?.expose());
    }
    let last = contents.at(contents.plain_len());
    assert_eq!(file.len(), usize::try_from(last.sealed().start).unwrap() + last.sealed().len);
    Ok(out)
}

fn stream(file: &[u8], piece: usize) -> Result<Vec<u8>, Error> {
    let (preamble, rest) = file.split_at(file.len().min(HEADER_LEN));
    let (mut opener, mut out) = (Opener::begin(&secret(), b"ad", preamble)?, Vec::new());
    for piece in rest.chunks(piece) {
        let mut room = vec![0; opener.room(piece)];
        let (next, written) = opener.update(piece, &mut room)?;
        out.extend_from_slice(&room[..written]);
        opener = next;
    }
    out.extend_from_slice(opener.finish()?.expose());
    Ok(out)
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&[honest, piece, flip, high, low, end], body)) = bytes.split_first_chunk::<6>()
    else {
        return;
    };
    let file = if honest % 2 == 0 {
        body.to_vec()
    } else {
        let original = sealed(body);
        let mut file = original.clone();
        let place = usize::from(u16::from_be_bytes([high, low])) % file.len();
        file[place] ^= flip;
        match end {
            0 => {}
            1..128 => file.extend_from_slice(&body[..body.len().min(usize::from(end))]),
            _ => file.truncate(file.len().saturating_sub(usize::from(end - 128))),
        }
        assert_eq!(file == original, whole(&file).is_ok());
        file
    };
    let verdict = whole(&file);
    assert_eq!(verdict, stream(&file, usize::from(piece) * 40 + 1));
    if honest % 2 == 1
        && let Ok(plaintext) = verdict
    {
        assert_eq!(body, plaintext);
    }
});
