package service

import (
	"encoding/json"
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
	doc, err := os.ReadFile("doc.go")
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
		word := wordFor(sent)
		got := fromWire(word, sent.Error())
		if word != c.word || !errors.Is(got, c.err) || got.Error() != sent.Error() {
			t.Errorf("%v went as %s and came back as %v", sent, word, got)
		}
	}
	if word := wordFor(errors.New("disk on fire")); word != codeInternal {
		t.Errorf("an error of no kind is %s", word)
	}
	both := fmt.Errorf("%w and %w", framebuffer.ErrBadOffset, framebuffer.ErrTimeout)
	if word := wordFor(both); word != "TIMEOUT" {
		t.Errorf("a timeout that is something else too is %s", word)
	}
	if err := fromWire("FROM_THE_FUTURE", "text"); err == nil || err.Error() == "text" {
		t.Errorf("an unknown word: %v", err)
	}
}

// A host says of itself what a message has room for, and how much it left out.
func TestAboutManyTopics(t *testing.T) {
	h := Host{Host: "h"}
	for range 10_000 {
		h.Topics = append(h.Topics, HostTopic{Name: strings.Repeat("é", 40), Published: 1})
	}
	for _, room := range []int{1, 200, 10_000, 1 << 20, 1 << 24} {
		text, err := h.text(room)
		var got Host
		if err := errors.Join(err, json.Unmarshal(text, &got)); err != nil {
			t.Fatal(err)
		}
		if len(got.Topics)+got.More != 10_000 || len(text) > max(room, 200) || room == 1<<24 && got.More != 0 || room >= 1<<20 && len(text) < room/2 && got.More > 0 {
			t.Errorf("%d bytes of %d: %d topics and %d more", len(text), room, len(got.Topics), got.More)
		}
	}
}

// What somebody sends as an error is not printed without end.
func TestErrorTextsAreBounded(t *testing.T) {
	if n := len(fromWire(strings.Repeat("W", 1<<20), strings.Repeat("x", 1<<20)).Error()); n > 2*maxErrorText {
		t.Errorf("%d bytes", n)
	}
	if s := fromWire("W\x1b", strings.Repeat("\x1b\u202e\n", 1<<10)).Error(); len(s) > 2*maxErrorText || strings.ContainsAny(s, "\x1b\u202e\n") {
		t.Errorf("%d bytes, %q", len(s), s)
	}
}
