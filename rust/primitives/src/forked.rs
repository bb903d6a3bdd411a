// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory that a child process finds empty: how a state notices that it was copied by a fork
//! (docs/storage.md, "Forks").

use std::{
    num::NonZero,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::Random;

/// What no other process has, neither a child nor a parent of the one that it is of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mark(NonZero<u64>);

impl Mark {
    /// That of this process; none if it cannot be told.
    ///
    /// Where the kernel wipes no memory in children, it is the number that the system gives the
    /// process. To ask for that each time costs as much as sealing a record.
    #[inline]
    pub fn of_this_process(random: &mut dyn Random, number: fn() -> u32) -> Option<Self> {
        let Some(word) = *WORD.get_or_init(wiped_word) else {
            return NonZero::new(number().into()).map(Self);
        };
        NonZero::new(word.load(Ordering::Relaxed)).or_else(|| drawn(word, random)).map(Self)
    }
}

/// Asks the kernel for the word, once.
pub fn prepare() {
    WORD.get_or_init(wiped_word);
}

/// Draws this process's value: that of its parent is gone, and whichever thread is first counts.
fn drawn(word: &AtomicU64, random: &mut dyn Random) -> Option<NonZero<u64>> {
    let mut bytes = [0; 8];
    random.fill(&mut bytes).ok()?;
    let value = NonZero::new(u64::from_ne_bytes(bytes))?;
    let seen = word.compare_exchange(0, value.get(), Ordering::Relaxed, Ordering::Relaxed);
    seen.map_or_else(NonZero::new, |_| Some(value))
}

/// The word that is zero in a child; none where the kernel does not promise that.
static WORD: OnceLock<Option<&'static AtomicU64>> = OnceLock::new();

/// A word that the kernel sets to zero in every process that is forked from one that has set it.
///
/// It sees what a handler of `pthread_atfork` does not: forks that go past the C library.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[expect(unsafe_code, reason = "only the kernel can wipe memory in a child before it runs")]
fn wiped_word() -> Option<&'static AtomicU64> {
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
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const fn wiped_word() -> Option<&'static AtomicU64> {
    None
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const WORD_LEN: usize = size_of::<AtomicU64>();
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNKNOWN_ADVICE: libc::c_int = -1;

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use e2ee_wire::Error;

    use super::*;

    /// Gives this byte only.
    struct Only(u8);

    impl Random for Only {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
            out.fill(self.0);
            Ok(())
        }
    }

    /// What `work` says in a child, which must take no lock and allocate nothing.
    #[expect(unsafe_code, reason = "a fork below the C library's own")]
    fn holds_in_a_child(work: impl FnOnce() -> bool) -> bool {
        // SAFETY: the child does its work, without a lock or an allocation, and exits.
        let child = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
        if child == 0 {
            let code = i32::from(!work());
            // SAFETY: it ends the child at once, as the line above promises.
            unsafe { libc::_exit(code) };
        }
        let (Ok(child), mut status) = (i32::try_from(child), -1) else { return false };
        // SAFETY: the status is a place of ours, and the child is the one just made.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        waited == child && status == 0
    }

    #[test]
    fn a_child_finds_zero_and_its_parent_what_it_wrote() {
        let word = wiped_word().unwrap();
        word.store(7, Ordering::Relaxed);

        assert!(holds_in_a_child(|| word.load(Ordering::Relaxed) == 0));
        assert_eq!(7, word.load(Ordering::Relaxed));
    }

    #[test]
    fn a_child_has_a_mark_of_its_own_and_its_parent_the_same_as_before() {
        let mark = || Mark::of_this_process(&mut Only(1), || 1);
        let ours = mark();
        let theirs = || Mark::of_this_process(&mut Only(2), || 1);

        assert!(ours.is_some());
        assert!(holds_in_a_child(|| theirs().is_some() && theirs() != ours));
        assert!(ours == mark());
    }
}
