// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recorded ML-KEM keys enter the ratchet through its stored form (spqr.md §15, `mlkem_dk`;
//! docs/formats.md, "Post-quantum ratchet").

use e2ee_conformance::{Count, ScriptedRandom, array, hex, json};
use e2ee_primitives::{Random, Secret};
use e2ee_ratchet::Budget;
use e2ee_signal::spqr::{Role, Spqr, erasure::Chunk};
use e2ee_wire::{Error, record::RecordReader};

const SET: &str = "spqr/components";

/// No randomness is needed once the key is there.
struct Nothing;

impl Random for Nothing {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), Error> {
        Err(Error::RandomUnavailable)
    }
}

/// A new initiator whose first key is the given expanded one: the state `KeysSampled` with its
/// encoder at 0 takes the place of `KeysUnsampled`, whose tag ends the head.
fn initiator_with(auth_key: &Secret<32>, expanded: &[u8]) -> Spqr {
    let (mut head, mut skipped) = (vec![], vec![]);
    let fresh = Spqr::new(auth_key, Role::Initiator, 25_000);
    fresh.encode_head(&mut head);
    fresh.encode_skipped(&mut skipped);
    assert_eq!(Some(1), head.pop());
    head.extend([2, 0, 0]);
    let objects = [&[2, 2], expanded].concat();
    Spqr::decode(
        &mut RecordReader::new(&head),
        &mut RecordReader::new(&objects),
        &mut RecordReader::new(&skipped),
    )
    .unwrap()
}

/// Passes one message, and gives the chunk that it carried.
fn pass(from: &mut Spqr, to: &mut Spqr, random: &mut dyn Random) -> Option<Chunk> {
    let (message, key) = from.send(random).unwrap();
    let plan = to.plan_receive(&message, &mut Budget::new(1)).unwrap();
    assert!(plan.key().ct_eq(&key));
    to.commit_receive(plan, &message).unwrap();
    message.payload().chunk().copied()
}

#[test]
fn an_expanded_key_carries_its_epoch() {
    let Some(set) = json(SET) else { return };
    let mut count = Count::new(&format!("{SET} mlkem768_incremental as expanded keys"));
    let cases = set["mlkem768_incremental"].as_array().unwrap();
    for case in cases {
        let auth_key = Secret::new([7; 32]);
        let mut a = initiator_with(&auth_key, &hex(case, "dk"));
        let mut b = Spqr::new(&auth_key, Role::Responder, 25_000);
        let header: [u8; 64] = array(case, "header");

        let mut message = ScriptedRandom::new(&[&hex(case, "m")]);
        let first = pass(&mut a, &mut b, &mut Nothing).unwrap();
        assert_eq!((0, &header[..32]), (first.index, &first.bytes[..]));
        // The initiator ends the epoch by decapsulating with the recorded key.
        for _ in 0..50 {
            pass(&mut b, &mut a, &mut message);
            if a.epoch() == 1 {
                pass(&mut a, &mut b, &mut Nothing);
            }
        }
        assert_eq!(2, a.epoch());
        message.finish();
        count.ran();
    }
    count.finish(cases.len());
}
