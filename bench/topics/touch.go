package main

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/bench/internal/words"
)

// Ways to touch a payload: all its words, the words of its first and its last line, or one
// word of each line. rivals/topics.cpp has the same.
const (
	touchAll   = "all"
	touchEnds  = "ends"
	touchLines = "lines"
)

const lineWords = 8

// fill writes value to what is touched.
func fill(b []byte, touch string, value uint64) {
	w := words.Of(b)
	switch touch {
	case touchAll:
		for i := range w {
			w[i] = value
		}
	case touchEnds:
		for i := range lineWords {
			w[i] = value
			w[len(w)-1-i] = value
		}
	case touchLines:
		for i := 0; i < len(w); i += lineWords {
			w[i] = value
		}
	}
}

// look reads what fill wrote and makes sure that it is that.
func look(b []byte, touch string, value uint64) error {
	w := words.Of(b)
	wrong := uint64(0)
	switch touch {
	case touchAll:
		for i := range w {
			wrong |= w[i] ^ value
		}
	case touchEnds:
		for i := range lineWords {
			wrong |= w[i] ^ value | w[len(w)-1-i] ^ value
		}
	case touchLines:
		for i := 0; i < len(w); i += lineWords {
			wrong |= w[i] ^ value
		}
	}
	if wrong != 0 {
		return fmt.Errorf("a frame of %d bytes is not number %d", len(b), value)
	}
	return nil
}
