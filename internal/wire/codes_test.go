package wire

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer"
)

// The documentation lists the words that there are.
func TestCodesAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../service/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range append(codes(), code{word: codeInternal}) {
		if !regexp.MustCompile(`\b` + c.word + `\b`).Match(doc) {
			t.Errorf("%s is not in the package's documentation", c.word)
		}
	}
}

// Every error that has a word comes back as itself, with its text.
func TestCodesThereAndBack(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range codes() {
		if seen[c.word] {
			t.Errorf("%s stands twice", c.word)
		}
		seen[c.word] = true
		sent := fmt.Errorf("%w: of some detail", c.err)
		word := CodeOf(sent)
		got := ErrorOf(word, sent.Error())
		if word != c.word || !errors.Is(got, c.err) || got.Error() != sent.Error() {
			t.Errorf("%v went as %s and came back as %v", sent, word, got)
		}
	}
	if word := CodeOf(errors.New("disk on fire")); word != codeInternal {
		t.Errorf("an error of no kind is %s", word)
	}
	both := fmt.Errorf("%w and %w", framebuffer.ErrBadOffset, framebuffer.ErrTimeout)
	if word := CodeOf(both); word != "TIMEOUT" {
		t.Errorf("a timeout that is something else too is %s", word)
	}
	if err := ErrorOf("FROM_THE_FUTURE", "text"); err == nil || err.Error() == "text" {
		t.Errorf("an unknown word: %v", err)
	}
}

// What somebody sends as an error is not printed without end.
func TestErrorTextsAreBounded(t *testing.T) {
	if n := len(ErrorOf(strings.Repeat("W", 1<<20), strings.Repeat("x", 1<<20)).Error()); n > 2*maxErrorText {
		t.Errorf("%d bytes", n)
	}
	if s := ErrorOf("W\x1b", strings.Repeat("\x1b\u202e\n", 1<<10)).Error(); len(s) > 2*maxErrorText || strings.ContainsAny(s, "\x1b\u202e\n") {
		t.Errorf("%d bytes, %q", len(s), s)
	}
}
