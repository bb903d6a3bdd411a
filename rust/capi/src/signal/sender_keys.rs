// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sender keys (signal.md §9; docs/storage.md, "Without a store").

use e2ee_signal::sender_keys::{
    DISTRIBUTION_ID_LEN,
    standalone::{PARTS, SENDING, StandaloneSenderKey, StandaloneSenderKeys},
};
use e2ee_state::Stage;

use super::Named;
use crate::{
    edge::{Handle, HandleOut, In, Kind, Out, Output, entry},
    own::Own,
    root::StateKey,
    status::Status,
    step::{Message, Outcome, Record, Staged, Step, parts, stepped},
    world::{Alone, OsRandom},
};

impl Kind for Own<StandaloneSenderKey> {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeSend");
}

impl Kind for Own<StandaloneSenderKeys> {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeRecv");
}

impl Staged for StandaloneSenderKey {
    fn stage(&mut self) -> &mut Stage {
        self.stage()
    }
}

impl Staged for StandaloneSenderKeys {
    fn stage(&mut self) -> &mut Stage {
        self.stage()
    }
}

/// The kind of a group message (signal.md §9).
const GROUP: u8 = 7;

/// `distribution_id`: the 16 bytes of a group's UUID.
type Id<'a> = In<'a, [u8; DISTRIBUTION_ID_LEN]>;

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sender_key_create(
    key: Handle<'_, StateKey>,
    distribution_id: Id<'_>,
    sender_key: HandleOut<'_, Own<StandaloneSenderKey>>,
) -> Status {
    entry(|| {
        let (place, id, key) = (sender_key.place()?, *distribution_id.one()?, key.get()?);
        place.put(Own::new(StandaloneSenderKey::create(key.sealer(), id, &mut OsRandom)?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sender_key_load(
    key: Handle<'_, StateKey>,
    distribution_id: Id<'_>,
    records: In<'_, Record<'_>>,
    count: usize,
    sender_key: HandleOut<'_, Own<StandaloneSenderKey>>,
) -> Status {
    entry(|| {
        let (place, id, key) = (sender_key.place()?, *distribution_id.one()?, key.get()?);
        let [record] = parts(records, count, [SENDING])?;
        place.put(Own::new(StandaloneSenderKey::load(key.sealer(), id, record)?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sender_key_distribution(
    sender_key: Handle<'_, Own<StandaloneSenderKey>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(sender_key.get()?.lock()?.distribution()?.expose())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sender_key_encrypt(
    sender_key: Handle<'_, Own<StandaloneSenderKey>>,
    plaintext: In<'_, u8>,
    plaintext_len: usize,
    step: HandleOut<'_, Step>,
) -> Status {
    stepped(&sender_key, &step, |sender_key| {
        let plaintext = plaintext.slice(plaintext_len)?;
        let (writes, message) = sender_key.encrypt(plaintext, &mut OsRandom)?;
        Ok(Outcome::encrypted(writes, (GROUP, message)))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sender_keys_new(
    key: Handle<'_, StateKey>,
    sender: In<'_, Named<'_>>,
    distribution_id: Id<'_>,
    sender_keys: HandleOut<'_, Own<StandaloneSenderKeys>>,
) -> Status {
    entry(|| {
        let (place, id, key) = (sender_keys.place()?, *distribution_id.one()?, key.get()?);
        let sender = sender.one()?.address()?;
        place.put(Own::new(StandaloneSenderKeys::none(key.sealer(), &sender, id)));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sender_keys_load(
    key: Handle<'_, StateKey>,
    sender: In<'_, Named<'_>>,
    distribution_id: Id<'_>,
    records: In<'_, Record<'_>>,
    count: usize,
    sender_keys: HandleOut<'_, Own<StandaloneSenderKeys>>,
) -> Status {
    entry(|| {
        let (place, id, key) = (sender_keys.place()?, *distribution_id.one()?, key.get()?);
        let (sender, parts) = (sender.one()?.address()?, parts(records, count, PARTS)?);
        place.put(Own::new(StandaloneSenderKeys::load(key.sealer(), (&sender, id), parts)?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sender_keys_accept(
    sender_keys: Handle<'_, Own<StandaloneSenderKeys>>,
    distribution: In<'_, u8>,
    distribution_len: usize,
    step: HandleOut<'_, Step>,
) -> Status {
    stepped(&sender_keys, &step, |sender_keys| {
        let distribution = distribution.slice(distribution_len)?;
        Ok(Outcome::saved(sender_keys.accept(distribution, &mut OsRandom)?))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sender_keys_decrypt(
    sender_keys: Handle<'_, Own<StandaloneSenderKeys>>,
    message: In<'_, u8>,
    message_len: usize,
    step: HandleOut<'_, Step>,
) -> Status {
    stepped(&sender_keys, &step, |sender_keys| {
        let message = message.slice(message_len)?;
        let (writes, plaintext) = sender_keys.decrypt(message, &mut OsRandom)?;
        Ok(Outcome::one(writes, plaintext))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sender_keys_decrypt_many(
    sender_keys: Handle<'_, Own<StandaloneSenderKeys>>,
    messages: In<'_, Message<'_>>,
    count: usize,
    step: HandleOut<'_, Step>,
) -> Status {
    stepped(&sender_keys, &step, |sender_keys| {
        let messages: Vec<_> =
            Message::all(messages, count)?.into_iter().map(|(_, message)| message).collect();
        Ok(Outcome::many(sender_keys.decrypt_many(&messages, &Alone, &mut OsRandom)?))
    })
}
