// The native keccak call against the same hash in software, for several lengths of one page.
#include "keccak_f.h"

static u8 page[4096] __attribute__((aligned(4096)));

static word software(const u8 *bytes, u64 len) {
    u64 s[25] = {0};
    u8 *state = (u8 *)s;
    u64 at = 0;
    for (u64 i = 0; i < len; i++) {
        state[at++] ^= bytes[i];
        if (at == 136) {
            keccak_f(s);
            at = 0;
        }
    }
    state[at] ^= 1;
    state[135] ^= 0x80;
    keccak_f(s);
    return (word){{s[0], s[1], s[2], s[3]}};
}

__attribute__((noreturn)) void _start(u64 i0, u64 i1, u64 i2, u64 i3) {
    for (u64 i = 0; i < 4096; i++) page[i] = (u8)(i * i ^ i0 ^ i1 ^ i2 ^ i3);
    static const u64 lengths[] = {0, 1, 135, 136, 137, 1000, 4095, 4096};
    word last = {{0}};
    for (u64 k = 0; k < 8; k++) {
        word slow = software(page, lengths[k]);
        last = keccak(page, lengths[k]);
        for (int i = 0; i < 4; i++)
            if (slow.w[i] != last.w[i]) halt(k + 1, last);
    }
    halt(0, last);
}
