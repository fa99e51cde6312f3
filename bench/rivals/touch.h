// Ways to touch a payload: all its words (a), those of its first and its last line (e), or one
// word of each line (l). topics/touch.go has the same.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { LINE_WORDS = 8 };

static inline void fill(uint64_t *w, size_t n, char touch, uint64_t value) {
    switch (touch) {
    case 'a':
        for (size_t i = 0; i < n; i++) w[i] = value;
        break;
    case 'e':
        for (size_t i = 0; i < LINE_WORDS; i++) w[i] = w[n - 1 - i] = value;
        break;
    case 'l':
        for (size_t i = 0; i < n; i += LINE_WORDS) w[i] = value;
        break;
    }
}

// look returns 0 if the payload is what fill wrote.
static inline uint64_t look(const uint64_t *w, size_t n, char touch, uint64_t value) {
    uint64_t wrong = 0;
    switch (touch) {
    case 'a':
        for (size_t i = 0; i < n; i++) wrong |= w[i] ^ value;
        break;
    case 'e':
        for (size_t i = 0; i < LINE_WORDS; i++) wrong |= (w[i] ^ value) | (w[n - 1 - i] ^ value);
        break;
    case 'l':
        for (size_t i = 0; i < n; i += LINE_WORDS) wrong |= w[i] ^ value;
        break;
    }
    return wrong;
}
