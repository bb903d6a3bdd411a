// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plaintexts of pickles (olm_megolm.md §3): what is read, is written so that it reads again.
#![no_main]

use e2ee_olm::pickle::{Identities, libolm, vodozemac};
use e2ee_primitives::x25519::PublicKey;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(account) = libolm::account(bytes) {
        assert!(libolm::account(libolm::write_account(&account).unwrap().expose()).is_ok());
    }
    if let Ok(account) = vodozemac::account(bytes) {
        assert!(vodozemac::account(vodozemac::write_account(&account).expose()).is_ok());
    }
    if let Ok(session) = libolm::outbound(bytes) {
        assert!(libolm::outbound(libolm::write_outbound(&session).expose()).is_ok());
    }
    if let Ok(session) = vodozemac::outbound(bytes) {
        assert!(vodozemac::outbound(vodozemac::write_outbound(&session).expose()).is_ok());
    }
    if let Ok(session) = libolm::inbound(bytes) {
        assert!(libolm::inbound(libolm::write_inbound(&session).expose()).is_ok());
    }
    if let Ok(session) = vodozemac::inbound(bytes) {
        assert!(vodozemac::inbound(vodozemac::write_inbound(&session).expose()).is_ok());
    }
    let _ = libolm::decryption(bytes);
    // The initiator's identity key, where libolm has it: the session is then the peer's.
    let theirs = bytes.get(5..37).and_then(|key| key.try_into().ok()).map_or([0; 32], |key| key);
    let identities = Identities { ours: PublicKey::new([7; 32]), theirs: PublicKey::new(theirs) };
    if let Ok(session) = libolm::session(bytes, &identities) {
        assert!(libolm::session(libolm::write_session(&session).expose(), &identities).is_ok());
    }
    let _ = vodozemac::session(bytes, &identities);
});
