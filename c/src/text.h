/* Text of other processes, and hexadecimal digits. */
#ifndef FBI_TEXT_H
#define FBI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes bytes as Go's %q does: in double quotes, with what cannot be printed escaped. Of more than
 * most bytes it writes the first most and "…". What does not fit into room is left out.
 */
void fbi_write_quoted(char *to, size_t room, const char *bytes, size_t size, size_t most);

/* How many of the bytes the UTF-8 character at the front has; 0 if it is not valid. *code is set. */
size_t fbi_utf8(const char *bytes, size_t size, uint32_t *code);

/* The value of a hexadecimal digit, -1 for any other character. */
int fbi_hex_digit(char c);

/* Writes 2*size lower-case digits and a zero. */
void fbi_write_hex(char *to, const void *bytes, size_t size);

/* Reads digits (of either case) into n/2 bytes. False if they are not digits or n is odd. */
bool fbi_read_hex(void *to, const char *digits, size_t n);

/* Reads a decimal number of n digits without sign or leading zero. False if it is not one. */
bool fbi_read_decimal(const char *digits, size_t n, uint64_t *value);

#endif
