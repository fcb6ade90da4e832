//! The memory allocator of the program; C libraries have the system's.

#![expect(unsafe_code, reason = "the allocator is a C library")]

use std::ffi::c_int;

/// Small pieces of many sizes come and go on all threads, and most of them end on another than they began on.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay`, by its place in `mi_option_t` of mimalloc 3.
const PURGE_DELAY: c_int = 15;
/// Milliseconds after which memory that is free goes back to the system.
const KEEP_MILLIS: i64 = 60_000;

/// Bytes by which the C libraries' heap grows.
#[cfg(target_env = "gnu")]
const C_STEP: c_int = 16 << 20;
/// Free bytes at its end that it keeps.
#[cfg(target_env = "gnu")]
const C_KEEP: c_int = 1 << 30;

/// Keeps free memory for some time; to be called before threads are started.
///
/// What a block needs is freed when it was folded, seconds after, and the next blocks need as much; a page that comes
/// anew from the system must be cleared each time. So with the database's buffers of pages, for which the system's
/// allocator, in a heap of the thread's own, asked the kernel one page at a time: now there is one heap.
pub(crate) fn keep() {
    // SAFETY: sets a number in a table, before there is a second thread; an index that is none is ignored.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, KEEP_MILLIS) }
    #[cfg(target_env = "gnu")]
    keep_c();
}

#[cfg(target_env = "gnu")]
fn keep_c() {
    let settings = [
        (libc::M_ARENA_MAX, 1),
        (libc::M_TOP_PAD, C_STEP),
        (libc::M_TRIM_THRESHOLD, C_KEEP),
    ];
    for (parameter, value) in settings {
        // SAFETY: sets a number, before there is a second thread; what is refused stays as it is.
        unsafe { libc::mallopt(parameter, value) };
    }
}
