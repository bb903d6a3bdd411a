// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stored sessions (docs/formats.md, "Session", both versions): what is written is read.
#![no_main]

use e2ee_signal::{
    Session,
    parts::{Parts, Revisions},
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let (head, rest) = rest.split_at(rest.len() * usize::from(first) / 256);
    let (objects, skipped) = rest.split_at(rest.len() / 2);
    if let Ok(session) = Session::decode(head, objects, skipped) {
        let again = [session.encode_head(), session.encode_objects(), session.encode_skipped()];
        let [head, objects, skipped] = again.each_ref().map(|part| part.expose());
        let read = Session::decode(head, objects, skipped).expect("what is written is read");
        assert_eq!(head, read.encode_head().expose());
        in_parts(&session);
    }
    let (chains, skipped) = skipped.split_at(skipped.len() / 2);
    if let Ok(Some((_, head))) = Revisions::decode(head) {
        let (chains, skipped) = (Some(chains), Some(skipped));
        if let Ok(session) = Session::from_parts(&Parts { head, objects, chains, skipped }) {
            in_parts(&session);
        }
    }
});

/// A session is read back from what it writes for an account.
fn in_parts(session: &Session) {
    let head = session.head_part(&Revisions::default());
    let (objects, chains, skipped) =
        (session.objects_part(), session.chains_part(), session.skipped_part());
    let (revisions, rest) = Revisions::decode(head.expose()).ok().flatten().expect("a head");
    let read = Session::from_parts(&Parts {
        head: rest,
        objects: objects.expose(),
        chains: chains.as_ref().map(|part| part.expose()),
        skipped: skipped.as_ref().map(|part| part.expose()),
    });
    assert_eq!(head.expose(), read.expect("what is written is read").head_part(&revisions).expose());
}
