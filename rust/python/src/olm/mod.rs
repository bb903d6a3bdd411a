// SPDX-License-Identifier: MIT OR Apache-2.0
//! The protocols of Matrix, as `e2ee.olm` and `e2ee.matrix` show them (olm_megolm.md).

pub mod channel;
pub mod export;
pub mod files;
pub mod keys;
pub mod qr;
pub mod sas;
pub mod storage;
