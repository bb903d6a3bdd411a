// SPDX-License-Identifier: MIT OR Apache-2.0
//! The library that a Python interpreter loads as `e2ee._core`: `rust/python`, linked.
//!
//! It is a crate of its own since how the last crate is compiled decides over all that is linked
//! into it. The bindings are compiled for size, what they call for speed.

#![forbid(unsafe_code)]

pub use e2ee_python::_core;
