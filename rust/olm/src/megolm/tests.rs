// SPDX-License-Identifier: MIT OR Apache-2.0
//! Group sessions against themselves; the recorded ones of peers are in tests/conformance.

mod sessions;
mod standalone;
mod wire;

use e2ee_primitives::{Secret, random::Random, sha};
use e2ee_ratchet::JumpRatchet;
use e2ee_wire::Error;

use super::{GroupMessage, InboundGroupSession, OutboundGroupSession, Ratchet};

/// Bytes that never come twice.
struct Counter(u64);

impl Random for Counter {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            chunk.copy_from_slice(&sha::sha256(&[&self.0.to_be_bytes()])[..chunk.len()]);
        }
        Ok(())
    }
}

fn sender(seed: u64) -> OutboundGroupSession {
    OutboundGroupSession::create(&mut Counter(1_000 * seed)).unwrap()
}

fn receiver(sender: &OutboundGroupSession) -> InboundGroupSession {
    InboundGroupSession::from_session_key(sender.session_key().expose()).unwrap()
}

fn export(session: &InboundGroupSession, index: u32) -> InboundGroupSession {
    InboundGroupSession::from_export(session.export_at(index).unwrap().expose()).unwrap()
}

fn open(session: &mut InboundGroupSession, message: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(session.decrypt(&GroupMessage::decode(message)?)?.expose().to_vec())
}

fn ratchet(index: u32) -> Ratchet {
    Ratchet::new(&Secret::new(core::array::from_fn(|at| at.to_le_bytes()[0])), index)
}

/// One turn as the rule for it stands in olm_megolm.md §2, without the rule for jumps.
fn advanced(ratchet: &Ratchet) -> Ratchet {
    use e2ee_primitives::hmac::HmacKey;

    let index = ratchet.index() + 1;
    let level = if index.is_multiple_of(1 << 24) {
        0
    } else if index.is_multiple_of(1 << 16) {
        1
    } else if index.is_multiple_of(1 << 8) {
        2
    } else {
        3
    };
    let mut parts = Vec::new();
    ratchet.encode(&mut parts);
    let key = HmacKey::new(&parts[32 * level..32 * level + 32]);
    for part in level..4 {
        let byte = u8::try_from(part).unwrap();
        parts[32 * part..32 * part + 32].copy_from_slice(key.derive(&[&[byte]]).expose());
    }
    Ratchet::new(&Secret::from_slice(&parts).unwrap(), index)
}

#[test]
fn a_jump_gives_what_single_steps_give() {
    for start in [0, 250, 65_530, (1 << 24) - 6, u32::MAX - 600] {
        let first = ratchet(start);
        let mut stepped = ratchet(start);
        for index in start..start + 600 {
            assert!(first.jump_to(index).is_same(&stepped), "{start} to {index}");
            stepped = advanced(&stepped);
        }
    }
}

#[test]
fn a_jump_over_jumps_is_a_jump() {
    let indices = [0, 1, 255, 256, 257, 65_535, 65_536, 1 << 24, (1 << 24) + 65_537, u32::MAX];
    for (place, from) in indices.into_iter().enumerate() {
        for over in indices.into_iter().skip(place) {
            let direct = ratchet(from).jump_to(u32::MAX);
            assert!(ratchet(from).jump_to(over).jump_to(u32::MAX).is_same(&direct));
        }
    }
}

#[test]
fn ratchets_are_the_same_only_in_all_parts_and_the_index() {
    assert!(ratchet(3).is_same(&ratchet(3)));
    assert!(!ratchet(3).is_same(&ratchet(4)));
    for at in 0..128_usize {
        let mut parts: [u8; 128] = core::array::from_fn(|at| at.to_le_bytes()[0]);
        parts[at] ^= 1;
        assert!(!ratchet(3).is_same(&Ratchet::new(&Secret::new(parts), 3)), "{at}");
    }
}

#[test]
fn the_last_index_is_not_used() {
    let mut alice = sender(1);
    alice.ratchet = alice.ratchet.jump_to(u32::MAX - 1);
    let mut bob = receiver(&alice);

    assert_eq!(Ok(b"text".to_vec()), open(&mut bob, &alice.encrypt(b"text").unwrap()));
    assert_eq!(Err(Error::Exhausted), alice.encrypt(b"text"));
    assert_eq!(u32::MAX, alice.index());
}
