// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our accounts and sessions in the place of recorded ones, through their stored forms
//! (docs/formats.md, "Olm account" and "Olm session").

use e2ee_olm::{
    Account, Ciphertext, NormalMessage, PreKeyMessage, Session, account::RECORD_NAME,
    record::Revisions, session::envelope_budget,
};
use e2ee_primitives::{Secret, base64, ed25519, x25519};
use e2ee_state::Sealer;
use e2ee_wire::{Error, record::RecordReader};

use crate::{
    ScriptedRandom,
    olm_pickle::{AccountState, Key, Sending, SessionState, key, many},
};

/// The bytes of unpadded base64.
///
/// # Panics
///
/// If the text is none.
#[must_use]
pub fn unbase64(text: &str) -> Vec<u8> {
    base64::decode(text).unwrap().expose().to_vec()
}

/// Our account in the place of a recorded one.
///
/// # Panics
///
/// If our own record does not open.
#[must_use]
pub fn account(state: &AccountState) -> Account {
    let mut record = vec![1];
    let signing = if state.signing.len() == 32 {
        record.push(1);
        ed25519::SigningKey::from_seed(Secret::from_slice(&state.signing).unwrap())
    } else {
        record.push(2);
        ed25519::SigningKey::from_expanded(Secret::from_slice(&state.signing).unwrap()).unwrap()
    };
    record.extend(&state.signing);
    record.extend(signing.public().as_bytes());
    append_pair(&mut record, &state.identity);
    let all = || state.one_time.iter().chain(&state.fallback);
    let next_id = all().map(|(id, ..)| id + 1).max().unwrap_or(1);
    record.extend(next_id.to_be_bytes());
    for list in [&state.one_time, &state.fallback] {
        record.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
        for (id, published, private) in list {
            record.extend(id.to_be_bytes());
            record.push(u8::from(*published));
            append_pair(&mut record, private);
        }
    }
    let sealer = Sealer::standalone(Secret::new([1; 32]));
    let mut nonce = ScriptedRandom::new(&[&[0; 12]]);
    let sealed = sealer.seal(RECORD_NAME, 1, &record, &mut nonce).unwrap();
    Account::open(&sealer, 1, &sealed).unwrap()
}

/// Our session in the place of a recorded one that its owner started and that has opened nothing.
///
/// # Panics
///
/// If our own records do not open.
#[must_use]
pub fn initiator(state: &SessionState, their_identity: &Key) -> Session {
    let mut head = vec![1];
    head.extend([0; 16]);
    head.extend(state.keys.as_flattened());
    head.extend(their_identity);
    head.push(1);
    head.extend(e2ee_olm::limits::MAX_JUMP.to_be_bytes());
    head.push(1);
    head.extend(state.root);
    let sending = state.sending.as_ref().expect("an initiator that sends");
    append_pair(&mut head, &sending.private);
    head.extend(sending.chain);
    head.extend(sending.index.to_be_bytes());
    head.extend([0; 4]);
    head.push(0);
    assert!(state.receiving.is_empty() && state.skipped.is_empty());
    Session::decode(&head, &[1], &[1, 0, 0, 0, 0]).unwrap().0
}

/// What a session of ours holds.
///
/// # Panics
///
/// If its stored form is not as documented.
#[must_use]
pub fn state(session: &Session) -> SessionState {
    let head = session.encode_head(Revisions::default());
    let mut reader = RecordReader::new(head.expose());
    reader.array::<17>().unwrap();
    let keys = [(); 3].map(|()| key(&mut reader));
    reader.array::<{ 32 + 1 + 4 }>().unwrap();
    let ours = reader.u8().unwrap() == 1;
    let root = key(&mut reader);
    let sending = ours.then(|| {
        let (private, _) = (key(&mut reader), key(&mut reader));
        Sending { private, chain: key(&mut reader), index: reader.u32().unwrap() }
    });
    reader.u32().unwrap();
    let receiving =
        |reader: &mut RecordReader<'_>| (key(reader), key(reader), reader.u32().unwrap());
    let newest = (reader.u8().unwrap() == 1).then(|| receiving(&mut reader));
    reader.finish().unwrap();
    let chains = session.encode_chains();
    let mut chains_reader = RecordReader::new(&chains.expose()[1..]);
    let older = if chains.len() > 1 { many(&mut chains_reader, receiving) } else { Vec::new() };
    chains_reader.finish().unwrap();
    let skipped = session.encode_skipped();
    let mut reader = RecordReader::new(&skipped.expose()[1..]);
    let seeds = many(&mut reader, |reader| {
        let ratchet_key = key(reader);
        many(reader, |reader| ((ratchet_key, reader.u32().unwrap()), key(reader)))
    });
    reader.finish().unwrap();
    SessionState {
        keys,
        root,
        sending,
        receiving: newest.into_iter().chain(older.into_iter().rev()).collect(),
        skipped: seeds.into_iter().flatten().collect(),
    }
}

/// Type and bytes of a message.
#[must_use]
pub fn typed(ciphertext: Ciphertext) -> (u64, Vec<u8>) {
    match ciphertext {
        Ciphertext::PreKey(bytes) => (0, bytes),
        Ciphertext::Normal(bytes) => (1, bytes),
    }
}

/// Opens a message of this type.
///
/// # Panics
///
/// If there is no such type.
pub fn decrypt(session: &mut Session, kind: u64, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let budget = &mut envelope_budget();
    let opened = match kind {
        0 => session.decrypt_prekey(&PreKeyMessage::decode(bytes)?, budget),
        1 => session.decrypt(&NormalMessage::decode(bytes)?, budget),
        other => panic!("unknown type {other}"),
    };
    opened.map(|plaintext| plaintext.expose().to_vec())
}

fn append_pair(out: &mut Vec<u8>, private: &Key) {
    let pair = x25519::PrivateKey::from_bytes(private);
    out.extend(pair.expose());
    out.extend(pair.public().as_bytes());
}
