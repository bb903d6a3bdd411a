// SPDX-License-Identifier: MIT OR Apache-2.0
//! Thousands of steps of both ends over a carrier that loses, repeats and reorders, with exchanges of
//! keys from both sides (mtproto_secret_chats.md §5 and §6).

use super::*;

const STEPS: u32 = 4_000;
const SEEDS: u64 = 3;

/// What the carrier has for each end.
struct Carrier {
    to: [Vec<Vec<u8>>; 2],
    random: Stream,
}

impl Carrier {
    fn take(&mut self, from: usize, wires: Vec<Vec<u8>>) {
        for wire in wires {
            // One of eight is lost, one of eight comes twice.
            match self.random.below(8) {
                0 => {}
                1 => self.to[1 - from].extend([wire.clone(), wire]),
                _ => self.to[1 - from].push(wire),
            }
        }
    }

    fn deliver(&mut self, ends: &mut [End; 2], to: usize) {
        if self.to[to].is_empty() {
            return;
        }
        let near = self.to[to].len().min(4);
        let wire = self.to[to].remove(self.random.below(near));
        match ends[to].receive(&wire) {
            Ok(answers) => self.take(to, answers),
            Err(Failure::Protocol(Error::Duplicate | Error::NotForChat)) => {}
            Err(failure) => panic!("a chat ended: {failure:?}"),
        }
    }
}

/// Delivers all, and has both ends ask until nothing is missing.
fn calm(ends: &mut [End; 2], carrier: &mut Carrier) {
    for _ in 0..64 {
        while carrier.to.iter().any(|wires| !wires.is_empty()) {
            for to in [0, 1] {
                for wire in core::mem::take(&mut carrier.to[to]) {
                    match ends[to].receive(&wire) {
                        Ok(answers) => carrier.to[1 - to].extend(answers),
                        Err(Failure::Protocol(Error::Duplicate | Error::NotForChat)) => {}
                        Err(failure) => panic!("a chat ended: {failure:?}"),
                    }
                }
            }
        }
        for (from, end) in ends.iter_mut().enumerate() {
            // What is behind the last message that came is noticed by the next one.
            let next = end.send(&text(u32::MAX));
            let asked = end.step(|chat, _, at| Ok(chat.ask_again(at)?)).unwrap();
            carrier.to[1 - from].extend(next.into_iter().chain(asked));
        }
        if ends.iter().all(|end| end.waiting.is_empty()) && carrier.is_quiet() {
            return;
        }
    }
    settle(ends, core::mem::take(&mut carrier.to));
}

impl Carrier {
    fn is_quiet(&self) -> bool {
        self.to.iter().all(|wires| wires.len() <= 2)
    }
}

fn numbers(end: &End) -> Vec<u32> {
    let number = |message: &Vec<u8>| u32::from_le_bytes(message[4..8].try_into().unwrap());
    end.opened.iter().map(number).filter(|number| *number != u32::MAX).collect()
}

#[test]
fn no_message_is_lost_or_opened_twice_and_no_chat_ends() {
    for seed in 0..SEEDS {
        let mut ends = pair();
        let mut carrier = Carrier { to: [vec![], vec![]], random: Stream::new(seed) };
        let mut sent = [0, 0];
        let mut keys = 0;
        for _ in 0..STEPS {
            let at = carrier.random.below(2);
            match carrier.random.below(20) {
                0..=3 => {
                    let wires = ends[at].send(&text(sent[at]));
                    sent[at] += 1;
                    carrier.take(at, wires);
                }
                4 => {
                    if let Ok(wires) = ends[at].rekey() {
                        keys += 1;
                        carrier.take(at, wires);
                    }
                }
                5 if carrier.is_quiet() => {
                    let asked = ends[at].step(|chat, _, time| Ok(chat.ask_again(time)?)).unwrap();
                    carrier.take(at, asked);
                }
                _ => carrier.deliver(&mut ends, at),
            }
        }
        calm(&mut ends, &mut carrier);

        let expected = |count: u32| (0..count).collect::<Vec<_>>();
        assert_eq!(expected(sent[1]), numbers(&ends[0]), "seed {seed}");
        assert_eq!(expected(sent[0]), numbers(&ends[1]), "seed {seed}");
        assert!(keys > 10, "seed {seed}: {keys} exchanges were begun");
        let changed = |end: &End| end.changes.iter().any(|change| matches!(change, Change::Key(_)));
        assert!(ends.iter().all(changed), "seed {seed}");
    }
}
