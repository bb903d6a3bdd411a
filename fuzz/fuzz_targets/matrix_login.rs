// SPDX-License-Identifier: MIT OR Apache-2.0
//! First messages of both login channels, as text, as bytes and with an honest key behind them
//! (olm_megolm.md §9).
#![no_main]

use e2ee_olm::{
    ecies::{QR_CODE_LOGIN, Recipient},
    hpke_channel,
};
use e2ee_primitives::{Random, base64};
use e2ee_wire::Error;

struct Fixed;

impl Random for Fixed {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(7);
        Ok(())
    }
}

fn recipient() -> Recipient {
    Recipient::new(QR_CODE_LOGIN, &mut Fixed).unwrap()
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = core::str::from_utf8(bytes) {
        assert!(recipient().accept(text).is_err());
    }
    let over_hpke = hpke_channel::Recipient::new(QR_CODE_LOGIN, &mut Fixed).unwrap();
    let verdict = over_hpke.accept(bytes).map(|_| ());
    assert!(matches!(verdict, Err(Error::Forged | Error::InvalidKey | Error::Malformed)));
    if let Some((key, ciphertext)) = bytes.split_first_chunk::<32>() {
        let message = format!("{}|{}", base64::encode(ciphertext), base64::encode(key));
        let verdict = recipient().accept(&message).map(|_| ());
        assert!(matches!(verdict, Err(Error::Forged | Error::InvalidKey)));
    }
});
