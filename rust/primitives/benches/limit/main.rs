// SPDX-License-Identifier: MIT OR Apache-2.0
//! Measures each primitive alone: the parts of the limits in `benches/limit.py` (signal.md §1,
//! spqr.md §5, mtproto_secret_chats.md §1 and §2), as one JSON object on standard output.
//!
//! `tag=BYTES` names the length of a frame that a real session has, `seal=BYTES+BYTES` those of a
//! record and of what it is bound to, `sign=BYTES` that of what a group message signs, `ige=BYTES`
//! that of what a secret chat encrypts. Each may be repeated; `quick` takes fewer samples.
#![expect(clippy::print_stdout, reason = "the measurement is the output")]

mod telegram;

use std::{
    env,
    error::Error,
    hint::black_box,
    time::{Duration, Instant},
};

use e2ee_primitives::{
    Random, Secret, aead,
    cbc_hmac::{MessageKeys, cbc_decrypt, cbc_encrypt},
    hkdf,
    hmac::HmacKey,
    kyber1024,
    mlkem768::VECTOR_LEN,
    x25519, xeddsa,
};
use libcrux_ml_kem::{kyber1024 as round3, mlkem768::incremental, mlkem1024::MlKem1024Ciphertext};

type Any<T> = Result<T, Box<dyn Error>>;

/// What one run is asked to measure.
struct Request {
    tags: Vec<usize>,
    seals: Vec<(usize, usize)>,
    signed: Vec<usize>,
    chats: Vec<usize>,
    batches: u32,
    batch: Duration,
}

impl Request {
    fn read(arguments: impl Iterator<Item = String>) -> Any<Self> {
        let full = (200, Duration::from_millis(1));
        let (tags, seals, signed, chats) = (vec![], vec![], vec![], vec![]);
        let mut request = Self { tags, seals, signed, chats, batches: full.0, batch: full.1 };
        for argument in arguments {
            match argument.split_once('=') {
                Some(("tag", bytes)) => request.tags.push(bytes.parse()?),
                Some(("seal", lengths)) => {
                    let (record, bound) = lengths.split_once('+').ok_or("seal without bound")?;
                    request.seals.push((record.parse()?, bound.parse()?));
                }
                Some(("sign", bytes)) => request.signed.push(bytes.parse()?),
                Some(("ige", bytes)) => request.chats.push(bytes.parse()?),
                None if argument == "quick" => request.batches = 20,
                // What cargo itself adds.
                None if argument == "--bench" => {}
                _ => return Err(format!("unknown argument {argument}").into()),
            }
        }
        Ok(request)
    }
}

/// A primitive, the size of its batches, and what its batches took for each call, in nanoseconds.
struct Primitive {
    name: String,
    run: Box<dyn FnMut(u32) -> Duration>,
    calls: u32,
    samples: Vec<f64>,
}

impl Primitive {
    fn new<T>(name: impl Into<String>, mut call: impl FnMut() -> T + 'static) -> Self {
        let run = Box::new(move |calls| {
            let start = Instant::now();
            for _ in 0..calls {
                black_box(call());
            }
            start.elapsed()
        });
        Self { name: name.into(), run, calls: 1, samples: vec![] }
    }

    /// Warms up, and finds how many calls fill a batch.
    fn fit(&mut self, batch: Duration) {
        while (self.run)(self.calls) < batch {
            self.calls = self.calls.saturating_mul(2);
        }
        (self.run)(self.calls);
    }

    fn sample(&mut self) {
        let took = (self.run)(self.calls).as_secs_f64();
        self.samples.push(took * 1e9 / f64::from(self.calls));
    }

    fn json(&mut self) -> String {
        self.samples.sort_by(f64::total_cmp);
        let at = |quarter: usize| {
            let place = (self.samples.len().saturating_sub(1)).saturating_mul(quarter) / 4;
            self.samples.get(place).copied().unwrap_or(f64::NAN)
        };
        let (least, low, median, high) = (at(0), at(1), at(2), at(3));
        let name = &self.name;
        let quarters = format!(r#""low":{low:.1},"median":{median:.1},"high":{high:.1}"#);
        format!(r#""{name}":{{"least":{least:.1},{quarters}}}"#)
    }
}

/// The system's random source, as the bindings draw from it.
struct System;

impl Random for System {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), e2ee_wire::Error> {
        getrandom::fill(out).map_err(|_| e2ee_wire::Error::RandomUnavailable)
    }
}

fn main() -> Any<()> {
    let request = Request::read(env::args().skip(1))?;
    let mut all = hashes()?;
    all.extend(ciphers(&request)?);
    all.extend(telegram::chains());
    all.extend(curve()?);
    all.extend(signatures(&request)?);
    all.extend(kyber()?);
    all.extend(ml_kem()?);
    all.extend(telegram::secret_chats(&request)?);
    all.extend(randomness());
    for primitive in &mut all {
        primitive.fit(request.batch);
    }
    // In turns, so that a slow moment of the machine meets all of them.
    for _ in 0..request.batches {
        all.iter_mut().for_each(Primitive::sample);
    }
    let rows: Vec<String> = all.iter_mut().map(Primitive::json).collect();
    println!("{{{}}}", rows.join(","));
    Ok(())
}

/// Each derivation takes its key from the one before, as in a session, so that none overlaps.
fn hashes() -> Any<Vec<Primitive>> {
    let mut chain = Secret::<32>::random(&mut System)?;
    let mut post_quantum = chain.duplicate();
    let mut seed = chain.duplicate();
    let mut root = chain.duplicate();
    let mut start = chain.duplicate();
    let mut braid = chain.duplicate();
    let mut authenticator = chain.duplicate();
    let mut subkey = chain.duplicate();
    let mut group = chain.duplicate();
    Ok(vec![
        Primitive::new("chain step (2 HMAC, one key)", move || {
            let key = HmacKey::new(chain.expose());
            chain = key.derive(&[&[2]]);
            key.derive(&[&[1]])
        }),
        Primitive::new("post-quantum chain step (HKDF to 64)", move || {
            let info: [&[u8]; 2] = [&[0; 4], b"Signal PQ Ratchet V1 Chain Next"];
            post_quantum = hkdf::derive::<64>(&[], &[post_quantum.expose()], &info).split().0;
        }),
        Primitive::new("message keys (HKDF to 80, salted)", move || {
            let derived: Secret<80> =
                hkdf::derive(seed.expose(), &[seed.expose()], &[b"WhisperMessageKeys"]);
            seed = derived.part::<0, 32>();
        }),
        Primitive::new("group message keys (HKDF to 48)", move || {
            let derived: Secret<48> = hkdf::derive(&[], &[group.expose()], &[b"WhisperGroup"]);
            group = derived.part::<16, 32>();
        }),
        Primitive::new("root step (HKDF to 64, salted)", move || {
            let info: [&[u8]; 1] = [b"WhisperRatchet"];
            root = hkdf::derive::<64>(root.expose(), &[root.expose()], &info).split().0;
        }),
        Primitive::new("session secrets (HKDF to 96)", move || {
            let label: &[u8] = b"WhisperText_X25519_SHA-256_CRYSTALS-KYBER-1024";
            let secrets: [&[u8]; 6] = [start.expose(); 6];
            start = hkdf::derive::<96>(&[], &secrets, &[label]).split().0;
        }),
        Primitive::new("post-quantum chain start (HKDF to 96)", move || {
            let info: [&[u8]; 1] = [b"Signal PQ Ratchet V1 Chain  Start"];
            braid = hkdf::derive::<96>(&[], &[braid.expose()], &info).split().0;
        }),
        Primitive::new("authenticator (HKDF to 64)", move || {
            let info: [&[u8]; 2] = [b"Signal_PQCKA_V1_MLKEM768:Authenticator Update", &[0; 8]];
            let keys: [&[u8]; 2] = [&[0; 32], authenticator.expose()];
            authenticator = hkdf::derive::<64>(&[], &keys, &info).split().0;
        }),
        Primitive::new("record key (HKDF to 32, salted)", move || {
            subkey = hkdf::derive(&[7; 16], &[subkey.expose()], &[&[7; RECORD_INFO_LEN]]);
        }),
    ])
}

fn ciphers(request: &Request) -> Any<Vec<Primitive>> {
    let mut all = vec![];
    for plaintext_len in [64, 1_024] {
        let plaintext = vec![7; plaintext_len];
        let keys = MessageKeys::new(Secret::random(&mut System)?);
        let mut out = Vec::with_capacity(MessageKeys::ciphertext_len(plaintext_len));
        let (key, iv) = (Secret::random(&mut System)?, [7; 16]);
        let ciphertext = cbc_encrypt(&key, &iv, &plaintext);
        all.push(Primitive::new(format!("AES-256-CBC encrypt {plaintext_len} B"), move || {
            out.clear();
            keys.encrypt_into(&plaintext, &mut out);
        }));
        all.push(Primitive::new(format!("AES-256-CBC decrypt {plaintext_len} B"), move || {
            cbc_decrypt(&key, &iv, &ciphertext)
        }));
    }
    for bytes in &request.tags {
        let keys = MessageKeys::new(Secret::random(&mut System)?);
        let frame = vec![7; *bytes];
        let run = move || keys.tag(&[&frame]);
        all.push(Primitive::new(format!("tag over {bytes} B (HMAC, fresh key)"), run));
    }
    for &(bytes, bound) in &request.seals {
        let key = aead::Key::new(&Secret::random(&mut System)?);
        let (record, associated) = (vec![7; bytes], vec![7; bound]);
        let mut out = Vec::with_capacity(bytes.saturating_add(TAG_LEN));
        let run = move || {
            out.clear();
            key.seal_into(&[7; 12], &associated, &record, &mut out);
        };
        let name = format!("seal {bytes} B beside {bound} B (AES-256-GCM-SIV)");
        all.push(Primitive::new(name, run));
    }
    Ok(all)
}

fn curve() -> Any<Vec<Primitive>> {
    let ours = x25519::PrivateKey::random(&mut System)?;
    let mut theirs = *x25519::PrivateKey::random(&mut System)?.public();
    let mut secret = Secret::<32>::random(&mut System)?;
    let base_key = theirs;
    Ok(vec![
        Primitive::new("X25519 shared secret", move || {
            theirs = x25519::PublicKey::new(*ours.agree(&theirs)?.expose());
            Ok::<_, e2ee_wire::Error>(())
        }),
        Primitive::new("X25519 public key", move || {
            let key = x25519::PrivateKey::from_bytes(secret.expose());
            secret = Secret::new(*key.public().as_bytes());
        }),
        Primitive::new("X25519 canonical key", move || base_key.is_canonical()),
    ])
}

fn signatures(request: &Request) -> Any<Vec<Primitive>> {
    let signer = x25519::PrivateKey::random(&mut System)?;
    let identity = *signer.public();
    let mut all = vec![];
    // A signed prekey, and a Kyber prekey, as they are encoded.
    let prekeys = [33, 1 + kyber1024::PUBLIC_KEY_LEN];
    for &bytes in prekeys.iter().chain(&request.signed) {
        let message = vec![7; bytes];
        let signature = xeddsa::sign(&signer, &[&message], &mut System)?;
        let known = xeddsa::VerifyingKey::new(identity);
        let again = message.clone();
        all.push(Primitive::new(format!("XEdDSA verify {bytes} B, point known"), move || {
            known.verify(&[&again], &signature)
        }));
        all.push(Primitive::new(format!("XEdDSA verify {bytes} B"), move || {
            xeddsa::verify(&identity, &[&message], &signature)
        }));
    }
    for &bytes in &request.signed {
        let key = xeddsa::SigningKey::new(x25519::PrivateKey::random(&mut System)?);
        let message = vec![7; bytes];
        // With the 64 random bytes that each signature takes.
        let sign = move || key.sign(&[&message], &mut System);
        all.push(Primitive::new(format!("XEdDSA sign {bytes} B, public point known"), sign));
    }
    // A copy knows no public point yet.
    let sign = move || xeddsa::sign(&signer.duplicate(), &[&[7; 33]], &mut System);
    all.push(Primitive::new("XEdDSA sign 33 B", sign));
    Ok(all)
}

/// libcrux itself, from expanded keys: a seed that is expanded anew is our choice, no necessity.
fn kyber() -> Any<Vec<Primitive>> {
    let seed = *Secret::<64>::random(&mut System)?.expose();
    let (private, public) = round3::generate_key_pair(seed).into_parts();
    let message = *Secret::<32>::random(&mut System)?.expose();
    let (ciphertext, _) = round3::encapsulate(&public, message);
    let ciphertext = MlKem1024Ciphertext::from(ciphertext.as_slice());
    Ok(vec![
        Primitive::new("Kyber-1024 key pair", move || round3::generate_key_pair(seed)),
        Primitive::new("Kyber-1024 encapsulate", move || round3::encapsulate(&public, message)),
        Primitive::new("Kyber-1024 decapsulate", move || {
            round3::decapsulate(&private, &ciphertext)
        }),
    ])
}

/// libcrux itself, with the state between the halves kept, for the same reason.
fn ml_kem() -> Any<Vec<Primitive>> {
    let seed = *Secret::<64>::random(&mut System)?.expose();
    let message = *Secret::<32>::random(&mut System)?.expose();
    let mut key = [0; incremental::COMPRESSED_KEYPAIR_LEN];
    incremental::generate_key_pair_compressed(seed, &mut key);
    let (_, public) = key.split_at(VECTOR_LEN);
    let (vector, rest) = public.split_first_chunk::<VECTOR_LEN>().ok_or("a short key")?;
    let (header, _) = rest.split_first_chunk::<64>().ok_or("a short key")?;
    let (vector, header) = (*vector, *header);
    let mut state = [0; incremental::encaps_state_len()];
    let first = incremental::encapsulate1(&header, message, &mut state, &mut [0; 32])
        .map_err(|_| "lengths of ML-KEM-768")?;
    let ct1 = incremental::Ciphertext1 { value: first.value };
    let ct2 = incremental::encapsulate2(&state, &vector);
    Ok(vec![
        Primitive::new("ML-KEM-768 key pair", move || {
            let mut key = [0; incremental::COMPRESSED_KEYPAIR_LEN];
            incremental::generate_key_pair_compressed(seed, &mut key);
            key
        }),
        Primitive::new("ML-KEM-768 encapsulate, first half", move || {
            let mut state = [0; incremental::encaps_state_len()];
            incremental::encapsulate1(&header, message, &mut state, &mut [0; 32])
        }),
        Primitive::new("ML-KEM-768 encapsulate, second half", move || {
            incremental::encapsulate2(&state, &vector)
        }),
        Primitive::new("ML-KEM-768 decapsulate", move || {
            incremental::decapsulate_compressed_key(&key, &ct1, &ct2)
        }),
    ])
}

fn randomness() -> Vec<Primitive> {
    let mut nonces = ([0; 12 * NONCES], 0);
    vec![
        Primitive::new("nonce (of 16 drawn at once)", move || {
            let (drawn, left) = &mut nonces;
            if *left == 0 {
                System.fill(drawn)?;
                *left = NONCES;
            }
            *left = left.saturating_sub(1);
            Ok::<_, e2ee_wire::Error>(())
        }),
        Primitive::new("random 32 B", || System.fill(&mut [0; 32])),
    ]
}

/// Nonces that one system call gives.
const NONCES: usize = 16;
/// Bytes of the tag of a sealed record.
const TAG_LEN: usize = 16;
/// A label of 22 bytes, and the 69 of a session's base key in hexadecimal with `/head`.
const RECORD_INFO_LEN: usize = 91;
