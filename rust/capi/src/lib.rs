// SPDX-License-Identifier: MIT OR Apache-2.0
//! The C ABI: converts, calls the core, converts (docs/architecture.md, "Layers").
//!
//! `include/e2ee.h` says what each function does; here it is bound. Nothing is decided in between.
//! Unsafe code stands in `edge` alone: its types are the parameters of the functions, and turn what
//! a caller gives into what Rust knows to be right, or refuse it.

#![expect(unsafe_code, reason = "names that a linker sees, and the pointers of callers")]

mod edge;
mod kept;
mod olm;
mod own;
mod root;
mod signal;
mod status;
mod step;
mod world;

#[cfg(test)]
mod tests;
