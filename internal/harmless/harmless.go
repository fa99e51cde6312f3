// Package harmless makes untrusted text fit for a terminal and for lines of a log: it escapes characters
// that would move the cursor, reverse the text that follows, or be invisible.
package harmless

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Text escapes a name or another text of one line. Control characters, those that set the direction of text, line
// separators and characters without width stand as JSON writes them, such as \u001b, so that JSON stays the same JSON. What is
// not UTF-8 is U+FFFD. Letters of all scripts, their marks, and emoji stay, also emoji joined to one.
func Text(s string) string { return escape(s, false) }

// Lines is [Text] for a text that may have several lines and tabs.
func Lines(s string) string { return escape(s, true) }

// Writer passes on each piece that is written, escaped as by [Lines]. A piece must not end within a
// character.
type Writer struct{ To io.Writer }

// Write writes all of p, or returns an error.
func (w Writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.To, Lines(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

func escape(s string, lines bool) string {
	var b strings.Builder
	before, done := rune(0), 0 // the character before this one; what is written already
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		next, _ := utf8.DecodeRuneInString(s[i+size:])
		broken := r == utf8.RuneError && size == 1
		if broken || hidden(r, before, next) && (!lines || r != '\n' && r != '\t') {
			b.WriteString(s[done:i])
			b.WriteString(spelled(r))
			done = i + size
		}
		before, i = r, i+size
	}
	if done == 0 {
		return s
	}
	return b.String() + s[done:]
}

// hidden reports whether a character between two others is invisible.
func hidden(r, before, next rune) bool {
	switch {
	case r < ' ', r >= 0x7f && r < 0xa0:
		return true
	case r < 0xa0:
		return false
	case r == joiner:
		return !emoji(before) || !emoji(next)
	case r == asText || r == asEmoji:
		return !unicode.Is(unicode.So, before) && next != keycap
	case r == blank, unicode.In(r, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return true
	}
	return unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

const (
	joiner  = 0x200d
	keycap  = 0x20e3
	blank   = 0x2800 // a Braille pattern without dots
	asText  = 0xfe0e // selects how the emoji before looks
	asEmoji = 0xfe0f
)

// emoji reports whether a joiner can stand beside it.
func emoji(r rune) bool {
	return unicode.Is(unicode.So, r) || r == asEmoji || r >= 0x1f3fb && r <= 0x1f3ff // colours of skin
}

// spelled is a character in ASCII, as a string of JSON may have it; U+FFFD is itself.
func spelled(r rune) string {
	switch r {
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	case utf8.RuneError:
		return string(r)
	}
	if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}
	return fmt.Sprintf(`\u%04x`, r)
}
