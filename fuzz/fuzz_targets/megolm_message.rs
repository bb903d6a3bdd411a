// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages of Megolm (olm_megolm.md §2): one that is read is the only form of what it says.
#![no_main]

use e2ee_olm::megolm::{GroupMessage, message::VERSION};
use e2ee_wire::protobuf;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = GroupMessage::decode(bytes) {
        let mut again = vec![VERSION];
        protobuf::write_varint(&mut again, 1, u64::from(message.index));
        protobuf::write_bytes(&mut again, 2, message.body);
        assert_eq!(again, message.authenticated);
        again.extend_from_slice(message.tag);
        assert_eq!(again, message.signed);
        again.extend_from_slice(message.signature);
        assert_eq!(bytes, again);
    }
});
