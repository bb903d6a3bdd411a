// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory that a child process finds empty: how a state notices that it was copied by a fork
//! (docs/storage.md, "Forks").

use std::sync::atomic::AtomicU64;

/// A word that the kernel sets to zero in every process that is forked from one that has set it.
///
/// It sees what a handler of `pthread_atfork` does not: forks that go past the C library.
#[must_use]
#[cfg(any(target_os = "linux", target_os = "android"))]
#[expect(unsafe_code, reason = "only the kernel can wipe memory in a child before it runs")]
pub fn wiped_word() -> Option<&'static AtomicU64> {
    // SAFETY: a null address asks for fresh pages, which touch no memory of ours; the result is
    // compared with the failure value before it is used.
    let pages = unsafe {
        libc::mmap(
            core::ptr::null_mut(),
            WORD_LEN,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if pages == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the range is the mapping above, which nothing else knows; neither call gives it up or
    // changes what it holds in this process.
    let promised = unsafe {
        // An emulator that nods at every advice knows none: it must refuse one that does not exist.
        libc::madvise(pages, WORD_LEN, UNKNOWN_ADVICE) != 0
            && libc::madvise(pages, WORD_LEN, libc::MADV_WIPEONFORK) == 0
    };
    if !promised {
        // SAFETY: the mapping is ours and no reference to it exists.
        unsafe { libc::munmap(pages, WORD_LEN) };
        return None;
    }
    // SAFETY: the mapping is zeroed, aligned to a page, longer than the word, and never unmapped from
    // here on; all access to it goes through this atomic.
    Some(unsafe { AtomicU64::from_ptr(pages.cast()) })
}

/// None: this system cannot promise it.
#[must_use]
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub const fn wiped_word() -> Option<&'static AtomicU64> {
    None
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const WORD_LEN: usize = size_of::<AtomicU64>();
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNKNOWN_ADVICE: libc::c_int = -1;

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    #[test]
    #[expect(unsafe_code, reason = "a fork below the C library's own")]
    fn a_child_finds_zero_and_its_parent_what_it_wrote() {
        let word = wiped_word().unwrap();
        word.store(7, Ordering::Relaxed);

        // SAFETY: the child reads one word and exits, without a lock or an allocation.
        let child = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
        if child == 0 {
            let found = word.load(Ordering::Relaxed);
            // SAFETY: it ends the child at once, as the line above promises.
            unsafe { libc::_exit(i32::from(found != 0)) };
        }
        let mut status = -1;
        // SAFETY: the status is a place of ours, and the child is the one just made.
        let waited = unsafe { libc::waitpid(i32::try_from(child).unwrap(), &raw mut status, 0) };

        assert_eq!((child, 0), (i64::from(waited), status));
        assert_eq!(7, word.load(Ordering::Relaxed));
    }
}
