// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exported files of room keys, as text and with an honest frame around the bytes
//! (olm_megolm.md §7).
//!
//! Who makes a file chooses its rounds: those that would take longer than a millisecond are left
//! out here, what bounds them has tests of its own.
#![no_main]

use e2ee_olm::key_export;
use e2ee_primitives::base64;
use e2ee_wire::Error;

const FIRST: &str = "-----BEGIN MEGOLM SESSION DATA-----\n";
const LAST: &str = "\n-----END MEGOLM SESSION DATA-----";

fn is_quick(text: &str) -> bool {
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let body: String = body.split_whitespace().collect();
    base64::decode(&body).map_or(true, |bytes| {
        bytes.expose().get(33..37).is_none_or(|rounds| rounds[..3] == [0, 0, 0])
    })
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = core::str::from_utf8(bytes)
        && is_quick(text)
    {
        // Nobody knows this passphrase.
        assert!(key_export::open(text, "\u{1f511} of the fuzzer").is_err());
    }
    let framed = format!("{FIRST}{}{LAST}", base64::encode(bytes));
    if is_quick(&framed) {
        let verdict = key_export::open(&framed, "word").map(|_| ());
        let expected = match bytes {
            [] => Error::Malformed,
            [1, ..] if bytes.len() < 69 || bytes[33..37] == [0; 4] => Error::Malformed,
            [1, ..] => Error::Forged,
            _ => Error::UnsupportedVersion,
        };
        assert_eq!(Err(expected), verdict);
    }
});
