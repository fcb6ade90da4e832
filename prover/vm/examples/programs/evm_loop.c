// A load like that of an EVM: bytecode dispatch through a table, 256-bit words on a stack, a memory
// that is copied, a hash table that is probed over many pages.
#include "trestle.h"

enum { STACK = 1024, SLOTS = 1 << 14, MEMORY = 1 << 16 };

static u64 stack[STACK][4];
static u64 storage[SLOTS][8];
static u8 memory[MEMORY];

enum { PUSH, ADD, MUL, LT, AND, DUP, SWAP, MSTORE, MLOAD, SLOAD, SSTORE, JUMPI, POP, COPY, STOP };

// One round: works on the counter at the bottom of the stack until it is 0.
static const u8 code[] = {
    DUP, PUSH, 17, MUL, PUSH, 5, ADD, DUP, SLOAD, ADD, DUP, PUSH, 3, ADD, SSTORE,
    DUP, PUSH, 64, MSTORE, COPY, PUSH, 64, MLOAD, AND, PUSH, 9, LT, POP, POP, JUMPI, STOP,
};

static void add(u64 *out, const u64 *a, const u64 *b) {
    u64 carry = 0;
    for (int i = 0; i < 4; i++) {
        u64 sum = a[i] + b[i];
        u64 over = sum < a[i];
        out[i] = sum + carry;
        carry = over | (out[i] < sum);
    }
}

static void mul(u64 *out, const u64 *a, const u64 *b) {
    u64 r[4] = {0};
    for (int i = 0; i < 4; i++) {
        u64 carry = 0;
        for (int j = 0; i + j < 4; j++) {
            unsigned __int128 t = (unsigned __int128)a[i] * b[j] + r[i + j] + carry;
            r[i + j] = (u64)t;
            carry = (u64)(t >> 64);
        }
    }
    for (int i = 0; i < 4; i++) out[i] = r[i];
}

static u64 *slot(const u64 *key) {
    // Half as many keys as slots, so that a free one is always found.
    u64 name = key[0] % (SLOTS / 2) + 1;
    u64 h = name * 0x9e3779b97f4a7c15;
    for (u64 i = h >> 50;; i++) {
        u64 *s = storage[i & (SLOTS - 1)];
        if (s[0] == name || s[0] == 0) {
            s[0] = name;
            return s + 4;
        }
    }
}

__attribute__((noreturn)) void _start(void) {
    u64 (*sp)[4] = stack;
    u64 rounds = 60000;
    sp[0][0] = 1;
    for (const u8 *pc = code;;) {
        switch (*pc++) {
        case PUSH: sp++; (*sp)[0] = *pc++; (*sp)[1] = (*sp)[2] = (*sp)[3] = 0; break;
        case ADD: add(sp[-1], sp[-1], sp[0]); sp--; break;
        case MUL: mul(sp[-1], sp[-1], sp[0]); sp--; break;
        case LT: sp--; (*sp)[0] = (*sp)[0] < sp[1][0]; break;
        case AND: sp--; for (int i = 0; i < 4; i++) (*sp)[i] &= sp[1][i]; break;
        case DUP: sp++; for (int i = 0; i < 4; i++) (*sp)[i] = sp[-1][i]; break;
        case SWAP: for (int i = 0; i < 4; i++) { u64 t = sp[0][i]; sp[0][i] = sp[-1][i]; sp[-1][i] = t; } break;
        case MSTORE: sp--; for (int i = 0; i < 32; i++) memory[(sp[1][0] + i) % MEMORY] = (u8)(sp[0][i >> 3] >> (i & 7) * 8); break;
        case MLOAD: for (int i = 0; i < 4; i++) { u64 v = 0; for (int j = 7; j >= 0; j--) v = v << 8 | memory[(64 + i * 8 + j) % MEMORY]; (*sp)[i] = v; } break;
        case SLOAD: { u64 *s = slot(*sp); for (int i = 0; i < 4; i++) (*sp)[i] = s[i]; break; }
        case SSTORE: { u64 *s = slot(sp[-1]); for (int i = 0; i < 4; i++) s[i] = (*sp)[i]; sp--; break; }
        case POP: sp--; break;
        case COPY: for (int i = 0; i < 128; i += 8) *(u64 *)(memory + 1024 + i) = *(u64 *)(memory + 64 + i); break;
        case JUMPI: if (--rounds) { sp = stack; sp[0][0] = sp[0][0] * 25 + rounds % 4099; sp[0][1] ^= rounds; pc = code; } break;
        default: halt(0, (word){{sp[0][0], sp[0][1], sp[0][2], sp[0][3]}});
        }
    }
}
