// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stored prekeys (docs/formats.md, "Prekeys").
#![no_main]

use e2ee_signal::PreKeyStock;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(stock) = PreKeyStock::decode(bytes) {
        let mut again = Vec::new();
        stock.encode(&mut again);
        assert!(PreKeyStock::decode(&again).is_ok());
    }
});
