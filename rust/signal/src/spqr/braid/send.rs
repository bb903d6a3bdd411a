// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a message sent carries for the braid (spqr.md §7.1).

use e2ee_primitives::{
    Random, Secret,
    mlkem768::{self, DecapsulationKey},
};
use e2ee_wire::Error;

use super::{
    super::{
        authenticator::{Authenticated, Authenticator, epoch_secret},
        erasure::{Decoder, Encoder},
        message::Payload,
    },
    Braid, Encapsulation, State, join,
};

impl Braid {
    /// The next payload, and this epoch's secret if it was made just now.
    ///
    /// Randomness is drawn as late as here, which keeps short the time in which a stolen state
    /// reveals the epoch; if that fails nothing has changed.
    pub(in super::super) fn send(
        &mut self,
        random: &mut dyn Random,
    ) -> Result<(Payload, Option<Secret<32>>), Error> {
        let payload = match &mut self.state {
            State::KeysUnsampled => return Ok((self.sample_key(random)?, None)),
            State::HeaderReceived { header } => {
                let encapsulation =
                    Encapsulation { header: **header, message: Secret::random(random)? };
                let (payload, secret) = self.encapsulate(Box::new(encapsulation));
                return Ok((payload, Some(secret)));
            }
            State::KeysSampled { header, .. } => Payload::Header(header.next_chunk()),
            State::HeaderSent { vector, .. } => Payload::Vector(vector.next_chunk()),
            State::Ct1Received { vector, .. } => Payload::VectorAndCt1Ack(vector.next_chunk()),
            State::EkSentCt1Received { .. } => Payload::Ct1Ack,
            State::NoHeaderReceived { .. } | State::Ct1Acknowledged { .. } => Payload::Nothing,
            State::Ct1Sampled { ct1, .. } | State::EkReceivedCt1Sampled { ct1, .. } => {
                Payload::Ct1(ct1.next_chunk())
            }
            State::Ct2Sampled { ct2 } => Payload::Ct2(ct2.next_chunk()),
        };
        Ok((payload, None))
    }

    fn sample_key(&mut self, random: &mut dyn Random) -> Result<Payload, Error> {
        let key = Box::new(DecapsulationKey::generate(random)?);
        let mut header = header_encoder(&key, self.epoch, &self.authenticator, 0);
        let payload = Payload::Header(header.next_chunk());
        self.turn(State::KeysSampled { key, header });
        Ok(payload)
    }

    fn encapsulate(&mut self, encapsulation: Box<Encapsulation>) -> (Payload, Secret<32>) {
        let (ct1, shared) = mlkem768::encapsulate1(&encapsulation.header, &encapsulation.message);
        let secret = epoch_secret(self.epoch, &shared);
        self.authenticator = self.authenticator.updated(self.epoch, &secret);
        let mut ct1 = Encoder::new(ct1, 0);
        let payload = Payload::Ct1(ct1.next_chunk());
        self.turn(State::Ct1Sampled { encapsulation, ct1, vector: Decoder::new() });
        (payload, secret)
    }

    /// Goes on to another state.
    pub(super) fn turn(&mut self, state: State) {
        self.state = state;
        self.generations.turns += 1;
    }
}

/// The encoder of a key's header and its MAC, which are never stored.
pub(super) fn header_encoder(
    key: &DecapsulationKey,
    epoch: u64,
    authenticator: &Authenticator,
    next: u16,
) -> Encoder<96> {
    let header = key.header();
    let tag = authenticator.tag(epoch, &Authenticated::Header(&header));
    Encoder::new(Box::new(join(&header, &tag)), next)
}
