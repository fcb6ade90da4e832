//! The heap: all memory above the image.
//!
//! Freed memory is used again: an EVM touches far more memory over a batch than the machine has.
//! Blocks of up to 1 KiB come in 64 classes, each with a list of free blocks, a dozen instructions
//! per call; larger ones, and the chunks that classes are cut from, from a TLSF allocator, which
//! joins neighbours and takes bounded time whatever a transaction does to it.
#![expect(
    unsafe_code,
    reason = "SAFETY: an allocator hands out raw memory; each block argues for itself. The machine has \
              one hart and no interrupts, so nothing runs beside a call"
)]

use super::calls::halt;
use alloy_primitives::B256;
use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    ptr::{NonNull, null_mut},
};
use rlsf::Tlsf;
use trestle_guest::EXIT_MEMORY;

/// Bytes between size classes.
const GRAIN: usize = 16;
/// Largest block of a class, in bytes.
const SMALL: usize = 1_024;
/// What a class takes from the large allocator at a time, in bytes.
const CHUNK: usize = 16_384;
/// End of the address space.
const END: usize = 1 << 32;

/// A free small block: its first word points to the next one.
struct Free {
    next: *mut Free,
}

type Large = Tlsf<'static, u32, u32, 32, 32>;

struct State {
    small: [*mut Free; SMALL / GRAIN],
    large: Large,
    is_ready: bool,
}

struct Heap(UnsafeCell<State>);

// SAFETY: one hart, no interrupts.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(State {
    small: [null_mut(); SMALL / GRAIN],
    large: Large::new(),
    is_ready: false,
}));

unsafe extern "C" {
    /// First address behind the image, by the linker.
    static mut _end: u8;
}

impl State {
    /// Hands everything behind the image to the large allocator, once.
    fn prepare(&mut self) {
        let start = (&raw mut _end) as usize;
        let memory = core::ptr::slice_from_raw_parts_mut(start as *mut u8, END - start - GRAIN);
        if let Some(memory) = NonNull::new(memory) {
            // SAFETY: nothing else uses the memory behind the image; the stack lies below it.
            unsafe { self.large.insert_free_block_ptr(memory) };
        }
        self.is_ready = true;
    }

    fn allocate_large(&mut self, layout: Layout) -> *mut u8 {
        if !self.is_ready {
            self.prepare();
        }
        match self.large.allocate(layout) {
            Some(block) => block.as_ptr(),
            None => halt(EXIT_MEMORY, B256::ZERO),
        }
    }

    /// Cuts a new chunk into blocks of one class and gives the first.
    #[cold]
    fn refill(&mut self, class: usize) -> *mut u8 {
        let size = (class + 1) * GRAIN;
        // SAFETY: neither size nor alignment is zero, and the alignment is a power of two.
        let layout = unsafe { Layout::from_size_align_unchecked(CHUNK, GRAIN) };
        let chunk = self.allocate_large(layout);
        for index in 1..CHUNK / size {
            // SAFETY: the block lies within the chunk.
            unsafe { self.free_small(chunk.add(index * size), class) };
        }
        chunk
    }

    /// # Safety
    /// `block` is a free block of this class that is on no list.
    unsafe fn free_small(&mut self, block: *mut u8, class: usize) {
        if let Some(list) = self.small.get_mut(class) {
            let block = block.cast::<Free>();
            // SAFETY: a block has room for a pointer and is aligned for it.
            unsafe { (*block).next = *list };
            *list = block;
        }
    }

    fn allocate_small(&mut self, class: usize) -> *mut u8 {
        match self.small.get_mut(class) {
            Some(list) if !list.is_null() => {
                let block = *list;
                // SAFETY: blocks on the list are free and hold their successor.
                *list = unsafe { (*block).next };
                block.cast()
            }
            _ => self.refill(class),
        }
    }
}

/// Class of a layout, `None` if it is for the large allocator.
#[inline]
const fn class_of(layout: Layout) -> Option<usize> {
    if layout.size() <= SMALL && layout.align() <= GRAIN {
        Some(layout.size().saturating_sub(1) / GRAIN)
    } else {
        None
    }
}

// SAFETY: blocks do not overlap: a class hands out each block once until it is freed, and gets its
// chunks from the large allocator, which keeps its own promise.
unsafe impl GlobalAlloc for Heap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one hart, and no call is made from within another.
        let state = unsafe { &mut *self.0.get() };
        match class_of(layout) {
            Some(class) => state.allocate_small(class),
            None => state.allocate_large(layout),
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`.
        let state = unsafe { &mut *self.0.get() };
        match class_of(layout) {
            // SAFETY: the caller gives back a block of this layout, hence of this class.
            Some(class) => unsafe { state.free_small(block, class) },
            None => {
                if let Some(block) = NonNull::new(block) {
                    // SAFETY: the block came from `large` with this alignment.
                    unsafe { state.large.deallocate(block, layout.align()) }
                }
            }
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises a size that is valid with this alignment.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        let (from, to) = (class_of(layout), class_of(new));
        if from.is_some() && from == to {
            return block;
        }
        if from.is_none() && to.is_none() {
            // SAFETY: as in `alloc`.
            let state = unsafe { &mut *self.0.get() };
            let grown = NonNull::new(block)
                // SAFETY: the block came from `large` with this alignment.
                .and_then(|block| unsafe { state.large.reallocate(block, new) });
            return grown.map_or_else(|| halt(EXIT_MEMORY, B256::ZERO), NonNull::as_ptr);
        }
        // SAFETY: two live blocks of at least that many bytes each, which do not overlap; the old
        // one is given back with its layout.
        unsafe {
            let moved = self.alloc(new);
            moved.copy_from_nonoverlapping(block, layout.size().min(size));
            self.dealloc(block, layout);
            moved
        }
    }
}
