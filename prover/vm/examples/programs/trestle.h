// System calls of the machine. See protocol/SPEC.md, "Machine", section M.7.
#pragma once

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

// A 32-byte word as it comes in registers: bytes 8i..8i+8 little-endian in w[i].
typedef struct {
    u64 w[4];
} word;

// Halts with the low 32 bits of `code` and the output. Without a proof this is Linux's `exit`.
__attribute__((noreturn)) static inline void halt(u64 code, word output) {
    register u64 a0 asm("a0") = code;
    register u64 a1 asm("a1") = output.w[0];
    register u64 a2 asm("a2") = output.w[1];
    register u64 a3 asm("a3") = output.w[2];
    register u64 a4 asm("a4") = output.w[3];
    register u64 a7 asm("a7") = 93;
    asm volatile("ecall" ::"r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a7));
    __builtin_unreachable();
}

// keccak256 of the first `len` bytes (at most 4,096) of a page.
static inline word keccak(const u8 *page, u64 len) {
    register u64 a0 asm("a0") = (u64)page;
    register u64 a1 asm("a1") = len;
    register u64 a2 asm("a2");
    register u64 a3 asm("a3");
    register u64 a7 asm("a7") = 2002;
    asm volatile("ecall" : "+r"(a0), "+r"(a1), "=r"(a2), "=r"(a3) : "r"(a7) : "memory");
    return (word){{a0, a1, a2, a3}};
}

// The compiler calls these for large assignments, library or not.
void *memset(void *to, int value, u64 len) {
    for (u64 i = 0; i < len; i++) ((u8 *)to)[i] = (u8)value;
    return to;
}

void *memcpy(void *to, const void *from, u64 len) {
    for (u64 i = 0; i < len; i++) ((u8 *)to)[i] = ((const u8 *)from)[i];
    return to;
}
