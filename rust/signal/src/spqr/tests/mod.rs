// SPDX-License-Identifier: MIT OR Apache-2.0
//! Two ratchets that talk to each other, over a network that a schedule controls (spqr.md §7–§10).

mod limits;
mod parts;
mod refusals;
mod schedules;
mod stored;

use super::*;
use e2ee_wire::record::RecordReader;

pub(super) const MAX_JUMP: u32 = 25_000;

/// A repeatable stream (xorshift64*), for schedules and as the source of keys.
pub(super) struct Stream(pub(super) u64);

impl Stream {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % limit
    }

    pub(super) fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }
}

impl Random for Stream {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for chunk in out.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

/// A random source that fails.
pub(super) struct Failing;

impl Random for Failing {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), Error> {
        Err(Error::RandomUnavailable)
    }
}

pub(super) fn pair() -> (Spqr, Spqr) {
    let key = Secret::new([0x42; 32]);
    (Spqr::new(&key, Role::Initiator, MAX_JUMP), Spqr::new(&key, Role::Responder, MAX_JUMP))
}

pub(super) fn budget() -> Budget {
    Budget::new(MAX_JUMP)
}

/// The three stored parts.
pub(super) fn encode(ratchet: &Spqr) -> [Vec<u8>; 3] {
    let mut parts = [vec![], vec![], vec![]];
    ratchet.encode_head(&mut parts[0]);
    ratchet.encode_objects(&mut parts[1]);
    ratchet.encode_skipped(&mut parts[2]);
    parts
}

pub(super) fn decode(parts: &[Vec<u8>; 3]) -> Result<Spqr, Error> {
    let mut readers = parts.each_ref().map(|part| RecordReader::new(part));
    let [head, objects, skipped] = &mut readers;
    let ratchet = Spqr::decode(head, objects, skipped)?;
    readers.into_iter().try_for_each(RecordReader::finish).map(|()| ratchet)
}

/// Opens a message that must open, and gives its key.
pub(super) fn receive(ratchet: &mut Spqr, message: &Message) -> Secret<32> {
    let plan = ratchet.plan_receive(message, &mut budget()).unwrap();
    let key = plan.key().duplicate();
    ratchet.commit_receive(plan, message).unwrap();
    key
}

/// Tries to open a message; a refusal must leave the state as it was.
pub(super) fn try_receive(ratchet: &mut Spqr, message: &Message) -> Result<Secret<32>, Error> {
    let before = encode(ratchet);
    let generations = (ratchet.objects_generation(), ratchet.skipped_generation());
    let result = ratchet.plan_receive(message, &mut budget()).and_then(|plan| {
        let key = plan.key().duplicate();
        ratchet.commit_receive(plan, message).map(|()| key)
    });
    if result.is_err() {
        assert_eq!(before, encode(ratchet));
        assert_eq!(generations, (ratchet.objects_generation(), ratchet.skipped_generation()));
    }
    result
}

/// Sends through the wire form and opens at the other side.
pub(super) fn exchange(from: &mut Spqr, to: &mut Spqr, random: &mut Stream) {
    let (message, key) = from.send(random).unwrap();
    let mut field = Vec::new();
    message.encode_into(&mut field);
    let message = Message::decode(&field).unwrap();

    assert!(receive(to, &message).ct_eq(&key));
}

/// Lets both send in turn until `done`.
pub(super) fn talk(
    (a, b): (&mut Spqr, &mut Spqr),
    random: &mut Stream,
    done: impl Fn(&Spqr, &Spqr) -> bool,
) -> usize {
    let mut messages = 0;
    while !done(a, b) {
        assert!(messages < 10_000, "no progress");
        if messages % 2 == 0 {
            exchange(a, b, random);
        } else {
            exchange(b, a, random);
        }
        messages += 1;
    }
    messages
}
