// SPDX-License-Identifier: MIT OR Apache-2.0
//! Limits that no recording reaches (signal.md §7).

use e2ee_conformance::own;
use e2ee_signal::limits::MAX_SKIPPED_SEEDS_PER_PEER;
use e2ee_wire::Error;

const LOST: usize = 2_000;

#[test]
fn late_messages_of_the_oldest_sessions_are_forgotten_first() {
    let [mut alice, mut bob] = own::pair();
    let bundle = own::bundle(&bob);
    let mut late = Vec::new();
    let sessions = u8::try_from(MAX_SKIPPED_SEEDS_PER_PEER / LOST + 2).unwrap();
    for seed in 0..sessions {
        own::connect(&mut alice, &bundle, seed).unwrap();
        late.push(own::send(&mut alice, b"late"));
        for _ in 1..LOST {
            own::send(&mut alice, b"lost");
        }
        let (kind, message) = own::send(&mut alice, b"arrives");
        bob.receive(kind, &message).unwrap();
    }

    let kept: usize = bob.sessions.iter().map(e2ee_signal::Session::skipped_len).sum();
    assert!(kept <= MAX_SKIPPED_SEEDS_PER_PEER + LOST, "{kept}");
    let (kind, message) = &late[0];
    assert_eq!(Err(Error::Duplicate), bob.receive(*kind, message));
    let (kind, message) = &late[usize::from(sessions) - 2];
    assert_eq!(Ok(b"late".to_vec()), bob.receive(*kind, message));
}
