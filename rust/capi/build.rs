// SPDX-License-Identifier: MIT OR Apache-2.0
//! Gives the shared library the name under which programs look for it: that of its ABI.

/// `E2EE_ABI_VERSION` of `include/e2ee.h`.
const ABI: u32 = 0;

fn main() {
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    match system.as_str() {
        "windows" => {}
        "macos" | "ios" => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libe2ee.{ABI}.dylib");
        }
        _ => println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libe2ee.so.{ABI}"),
    }
    println!("cargo::rerun-if-changed=build.rs");
}
