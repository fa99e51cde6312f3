//go:build cgo

package main

// #include <stdint.h>
// #include <string.h>
//
// // As the reader in Go: a line at a time, so that both wait for memory and not for their loops.
// __attribute__((noinline, optimize("no-tree-vectorize"))) static uint64_t sum(uint64_t *w, size_t n) {
//     uint64_t a = 0, b = 0;
//     for (size_t i = 0; i + 7 < n; i += 8)
//         a += w[i] + w[i + 1] + w[i + 2] + w[i + 3], b += w[i + 4] + w[i + 5] + w[i + 6] + w[i + 7];
//     return a + b;
// }
//
// static uint64_t copies(char *shared, char *mine, size_t size, size_t step, long count, int in, int use) {
//     uint64_t total = 0;
//     for (; count > 0; count--, shared += step) {
//         if (in) memcpy(shared, mine, size);
//         else memcpy(mine, shared, size);
//         __asm__ volatile("" : : : "memory");
//         if (use) total += sum((uint64_t *)mine, size / 8);
//     }
//     return total;
// }
import "C"

import "unsafe"

// libc copies count frames that lie in shared memory, step bytes apart, from mine, or to it, and
// then reads each if it is used.
var libc = func(shared, mine []byte, size, step, count int, in, use bool) {
	flag := map[bool]C.int{true: 1}
	used += uint64(C.copies((*C.char)(unsafe.Pointer(&shared[0])), (*C.char)(unsafe.Pointer(&mine[0])),
		C.size_t(size), C.size_t(step), C.long(count), flag[in], flag[use]))
}
