//! The memory allocator of the program; C libraries have the system's.

#![expect(unsafe_code, reason = "the allocator is a C library")]

use std::ffi::c_int;

/// Small pieces of many sizes come and go on all threads, and most of them end on another than they began on.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay`, by its place in `mi_option_t` of mimalloc 3.
const PURGE_DELAY: c_int = 15;
/// Milliseconds after which memory that is free goes back to the system.
const KEEP_MILLIS: i64 = 10_000;

/// Keeps free memory for some time; to be called before threads are started.
///
/// What a block needs is freed when it was folded, seconds after, and the next blocks need as much; a page that comes
/// anew from the system must be cleared each time.
pub(crate) fn keep() {
    // SAFETY: sets a number in a table, before there is a second thread; an index that is none is ignored.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, KEEP_MILLIS) }
}
