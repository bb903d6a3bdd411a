// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory that is about to be used, asked for in time (docs/speed.md, "Bars").

/// Asks the processor to bring a value near that is used some microseconds later; nothing changes.
///
/// What lies in the outer caches alone comes line by line, each when it is first touched; asked for
/// at once, the lines come together while other work goes on.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the instruction takes a pointer")]
pub fn prefetch<T>(value: &T) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

    let start = core::ptr::from_ref(value).cast::<i8>();
    for offset in (0..size_of::<T>()).step_by(LINE) {
        // SAFETY: every processor of this architecture has the instruction. It reads nothing that a
        // program can see and takes any address; these lie within the value.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(offset)) };
    }
}

/// Nothing: the value comes when it is touched.
#[cfg(not(target_arch = "x86_64"))]
pub const fn prefetch<T>(_: &T) {}

/// Bytes that come at once.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_any_size_stays_what_it_is() {
        let (nothing, byte, many) = ((), 7_u8, [9_u8; 1_000]);

        prefetch(&nothing);
        prefetch(&byte);
        prefetch(&many);

        assert_eq!((7, [9; 1_000]), (byte, many));
    }
}
