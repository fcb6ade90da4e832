//! The functions of libc that stand in for the real ones in the process, and the system calls behind them.
//!
//! One lock is held from the decision on an operation until it is in the shadow, so that a sync covers exactly what
//! was written before it. What the shim itself does goes straight through: a flag of the thread says so.

#![expect(
    unsafe_code,
    reason = "replacing functions of libc is what this crate is for"
)]

use crate::{
    rule::Op,
    shim::{Done, Place, SLOW, Shim, Verdict, shim},
};
use libc::{
    AT_FDCWD, O_CREAT, O_DSYNC, SEEK_CUR, c_char, c_int, c_long, c_void, iovec, mode_t, off_t,
    size_t, ssize_t, timespec,
};
use std::{
    cell::Cell,
    ffi::{CStr, OsStr},
    fs,
    io::Error,
    mem,
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    slice,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

thread_local! {
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, what this thread does is the shim's own work.
struct Inside;

impl Inside {
    fn enter() -> Option<Self> {
        (!IS_INSIDE.replace(true)).then(|| Self)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        IS_INSIDE.set(false);
    }
}

fn lock(shim: &Mutex<Shim>) -> MutexGuard<'_, Shim> {
    shim.lock().unwrap_or_else(PoisonError::into_inner)
}

fn set_errno(code: c_int) {
    // SAFETY: glibc gives a valid pointer to the errno of the calling thread.
    unsafe { *libc::__errno_location() = code };
}

fn errno() -> c_int {
    Error::last_os_error().raw_os_error().unwrap_or_default()
}

/// The result of a system call as its function gives it.
fn int(result: c_long) -> c_int {
    c_int::try_from(result).unwrap()
}

/// The same for a number of bytes.
fn size(result: c_long) -> ssize_t {
    ssize_t::try_from(result).unwrap()
}

fn kill() -> ! {
    // SAFETY: both take plain numbers; the signal cannot be caught, so nothing of the process runs on.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    loop {
        std::hint::spin_loop();
    }
}

/// The file behind a descriptor, if it is one that is watched.
fn place_of(shim: &Mutex<Shim>, fd: c_int) -> Option<Place> {
    // SAFETY: all zeroes are a valid `stat`, and the kernel writes one into it or fails.
    let mode = unsafe {
        let mut found: libc::stat = mem::zeroed();
        (libc::fstat(fd, &raw mut found) == 0).then_some(found.st_mode)?
    } & libc::S_IFMT;
    if mode != libc::S_IFREG && mode != libc::S_IFDIR {
        return None;
    }
    let path = fs::read_link(format!("/proc/self/fd/{fd}")).ok()?;
    lock(shim).place(&path, mode == libc::S_IFDIR)
}

/// The file of this name, if it is one that is watched.
fn place_at(shim: &Mutex<Shim>, path: *const c_char) -> Option<Place> {
    // SAFETY: the caller of a libc function gives a string that ends with a zero and lives as long as the call.
    let bytes = unsafe { CStr::from_ptr(path) }.to_bytes();
    lock(shim).place(&PathBuf::from(OsStr::from_bytes(bytes)), false)
}

/// An operation on a watched file.
struct Act<'a> {
    op: Op,
    /// What is written, for rules that look into it.
    bytes: &'a [u8],
    /// The operation.
    real: &'a mut dyn FnMut() -> c_long,
    /// The first half of it, before an error.
    half: &'a mut dyn FnMut(),
    /// What it amounts to, given its result.
    done: &'a dyn Fn(c_long) -> Done,
}

/// Carries an operation out as the rule says.
fn act(find: impl FnOnce(&Mutex<Shim>) -> Option<Place>, act: Act<'_>) -> c_long {
    let Some(_inside) = Inside::enter() else {
        return (act.real)();
    };
    let found = shim().and_then(|shim| Some((shim, find(shim)?)));
    let Some((shim, place)) = found else {
        return (act.real)();
    };
    let mut locked = lock(shim);
    let verdict = locked.decide(act.op, &place, act.bytes);
    if verdict == Verdict::GoSlowly {
        // Others go on meanwhile.
        drop(locked);
        thread::sleep(SLOW);
        locked = lock(shim);
    }
    let failed = |half: &mut dyn FnMut(), code| {
        half();
        set_errno(code);
        -1
    };
    match verdict {
        Verdict::Kill => kill(),
        Verdict::Pretend => return 0,
        Verdict::NoSpace => return failed(act.half, libc::ENOSPC),
        Verdict::BadDevice => return failed(act.half, libc::EIO),
        Verdict::Go | Verdict::GoThenKill | Verdict::GoSlowly => {}
    }
    let result = (act.real)();
    let code = errno();
    if result >= 0 {
        locked.done(&place, (act.done)(result));
    }
    if verdict == Verdict::GoThenKill {
        kill();
    }
    set_errno(code);
    result
}

/// Where a descriptor stands, in bytes.
fn position(fd: c_int) -> u64 {
    // SAFETY: takes and gives numbers.
    u64::try_from(unsafe { libc::lseek(fd, 0, SEEK_CUR) }).unwrap_or_default()
}

/// What writing `count` bytes to `fd` amounts to; `at` is the place, or that of the descriptor afterwards.
fn wrote(fd: c_int, at: Option<off_t>, count: c_long) -> Done {
    let count = u64::try_from(count).unwrap();
    let start = at.map_or_else(|| position(fd) - count, |at| u64::try_from(at).unwrap());
    // SAFETY: takes and gives numbers.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    Done::Wrote {
        range: start..start + count,
        is_through: flags & O_DSYNC != 0,
    }
}

/// Writes, at a place or where the descriptor stands.
fn write_bytes(fd: c_int, buf: *const c_void, count: size_t, at: Option<off_t>) -> ssize_t {
    let real = |count: size_t| {
        // SAFETY: the caller's own arguments, or a shorter part of its buffer.
        unsafe {
            match at {
                None => libc::syscall(libc::SYS_write, fd, buf, count),
                Some(at) => libc::syscall(libc::SYS_pwrite64, fd, buf, count, at),
            }
        }
    };
    let bytes = if buf.is_null() {
        &[]
    } else {
        // SAFETY: the caller promises `count` readable bytes for as long as the call lasts.
        unsafe { slice::from_raw_parts(buf.cast::<u8>(), count) }
    };
    let result = act(
        |shim| place_of(shim, fd),
        Act {
            op: Op::Write,
            bytes,
            real: &mut || real(count),
            half: &mut || {
                real(count / 2);
            },
            done: &|written| wrote(fd, at, written),
        },
    );
    size(result)
}

/// The same from many buffers. Rules see the first of them; an error comes before any of them.
fn write_vectors(fd: c_int, iov: *const iovec, count: c_int, at: Option<off_t>) -> ssize_t {
    let bytes = if count > 0 && !iov.is_null() {
        // SAFETY: the caller promises `count` vectors, each over readable bytes.
        unsafe { slice::from_raw_parts((*iov).iov_base.cast::<u8>().cast_const(), (*iov).iov_len) }
    } else {
        &[]
    };
    let result = act(
        |shim| place_of(shim, fd),
        Act {
            op: Op::Write,
            bytes,
            // SAFETY: the caller's own arguments; the kernel takes an offset as two halves.
            real: &mut || unsafe {
                match at {
                    None => libc::syscall(libc::SYS_writev, fd, iov, count),
                    Some(at) => libc::syscall(libc::SYS_pwritev, fd, iov, count, at, at >> 32),
                }
            },
            half: &mut || {},
            done: &|written| wrote(fd, at, written),
        },
    );
    size(result)
}

fn sync(fd: c_int, call: c_long) -> c_int {
    let result = act(
        |shim| place_of(shim, fd),
        Act {
            op: Op::Sync,
            bytes: &[],
            // SAFETY: the caller's own argument.
            real: &mut || unsafe { libc::syscall(call, fd) },
            half: &mut || {},
            done: &|_| Done::Synced,
        },
    );
    int(result)
}

fn truncate(fd: c_int, length: off_t) -> c_int {
    let result = act(
        |shim| place_of(shim, fd),
        Act {
            op: Op::Truncate,
            bytes: &[],
            // SAFETY: the caller's own arguments.
            real: &mut || unsafe { libc::syscall(libc::SYS_ftruncate, fd, length) },
            half: &mut || {},
            done: &|_| Done::Resized(u64::try_from(length).unwrap()),
        },
    );
    int(result)
}

fn open_file(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller's own arguments; the kernel reads `mode` only where `flags` ask for it.
    let mut real = || unsafe { libc::syscall(libc::SYS_openat, AT_FDCWD, path, flags, mode) };
    if flags & O_CREAT == 0 {
        return int(real());
    }
    let result = act(
        |shim| place_at(shim, path),
        Act {
            op: Op::Create,
            bytes: &[],
            real: &mut real,
            half: &mut || {},
            done: &|_| Done::Created,
        },
    );
    int(result)
}

/// # Safety
/// As write(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn write(fd: c_int, buf: *const c_void, count: size_t) -> ssize_t {
    write_bytes(fd, buf, count, None)
}

/// # Safety
/// As pwrite(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite(fd: c_int, buf: *const c_void, count: size_t, at: off_t) -> ssize_t {
    write_bytes(fd, buf, count, Some(at))
}

/// # Safety
/// As pwrite(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(fd: c_int, buf: *const c_void, count: size_t, at: off_t) -> ssize_t {
    write_bytes(fd, buf, count, Some(at))
}

/// # Safety
/// As writev(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn writev(fd: c_int, iov: *const iovec, count: c_int) -> ssize_t {
    write_vectors(fd, iov, count, None)
}

/// # Safety
/// As pwritev(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn pwritev(fd: c_int, iov: *const iovec, count: c_int, at: off_t) -> ssize_t {
    write_vectors(fd, iov, count, Some(at))
}

/// # Safety
/// As pwritev(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn pwritev64(fd: c_int, iov: *const iovec, count: c_int, at: off_t) -> ssize_t {
    write_vectors(fd, iov, count, Some(at))
}

/// As fsync(2).
#[unsafe(no_mangle)]
extern "C" fn fsync(fd: c_int) -> c_int {
    sync(fd, libc::SYS_fsync)
}

/// As fdatasync(2).
#[unsafe(no_mangle)]
extern "C" fn fdatasync(fd: c_int) -> c_int {
    sync(fd, libc::SYS_fdatasync)
}

/// As ftruncate(2).
#[unsafe(no_mangle)]
extern "C" fn ftruncate(fd: c_int, length: off_t) -> c_int {
    truncate(fd, length)
}

/// As ftruncate(2).
#[unsafe(no_mangle)]
extern "C" fn ftruncate64(fd: c_int, length: off_t) -> c_int {
    truncate(fd, length)
}

/// As open(2), whose third argument lies in its register whether it is given or not.
///
/// # Safety
/// As open(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    open_file(path, flags, mode)
}

/// # Safety
/// As open(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    open_file(path, flags, mode)
}

/// # Safety
/// As unlink(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    let result = act(
        |shim| place_at(shim, path),
        Act {
            op: Op::Remove,
            bytes: &[],
            // SAFETY: the caller's own argument.
            real: &mut || unsafe { libc::syscall(libc::SYS_unlink, path) },
            half: &mut || {},
            done: &|_| Done::Removed,
        },
    );
    int(result)
}

/// As rename(2). Nothing that is watched is renamed; were it, the shadow would be wrong, so the process ends.
///
/// # Safety
/// As rename(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    if let Some(_inside) = Inside::enter() {
        let is_watched = |path| shim().and_then(|shim| place_at(shim, path)).is_some();
        assert!(
            !is_watched(from) && !is_watched(to),
            "the shadow follows no renames"
        );
    }
    // SAFETY: the caller's own arguments.
    int(unsafe { libc::syscall(libc::SYS_rename, from, to) })
}

/// As clock_gettime(2), the clock of the day being wrong as the desk says.
///
/// # Safety
/// As clock_gettime(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut timespec) -> c_int {
    // SAFETY: the caller's own arguments.
    let result = int(unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) });
    if clock != libc::CLOCK_REALTIME || result != 0 {
        return result;
    }
    let Some(_inside) = Inside::enter() else {
        return result;
    };
    if let Some(shim) = shim() {
        // SAFETY: the kernel has just written there.
        unsafe { (*time).tv_sec += lock(shim).clock_offset() };
    }
    result
}
