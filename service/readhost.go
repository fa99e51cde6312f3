package service

import (
	"encoding/json"
	"fmt"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/topic"
)

// What a server says of itself, a peer that means harm says too. readHost keeps of it what an honest
// server can say, and at most some five times as many bytes as the answer has.

const (
	// clipped is how many bytes are kept of a text for people.
	clipped = 512

	// leastItem is how many bytes of JSON an item of a list takes on average, at least. Less says
	// that most items are empty, which would take far more memory than the answer has bytes.
	leastItem = 8
)

// clip is as much of a text as is kept.
func clip(text string) string { return text[:min(len(text), clipped)] }

// readHost reads a Host out of an answer that may have so many bytes.
func readHost(text []byte, most int) (h Host, err error) {
	if len(text) > most {
		return h, fmt.Errorf("%w: it answered %d bytes, and %d were asked for at most", framebuffer.ErrTooLarge, len(text), most)
	}
	if err := notSparse(text); err != nil {
		return h, err
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return Host{}, fmt.Errorf("service: an answer of %d bytes is no server's: %w", len(text), err)
	}
	if err := h.reduce(); err != nil {
		return Host{}, fmt.Errorf("service: an answer is no server's: %w", err)
	}
	return h, nil
}

// notSparse refuses an answer whose lists would take far more memory than it has bytes.
func notSparse(text []byte) error {
	if items := commas(text); items*leastItem > len(text) {
		return fmt.Errorf("service: an answer of %d bytes that lists %d things is no server's", len(text), items)
	}
	return nil
}

// commas counts those that part items of lists and of objects.
func commas(text []byte) (n int) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			n++
		}
	}
	return n
}

// reduce clips what a server says, and refuses lists of nothing. What names look like is for those that
// show them, or look for one.
func (h *Host) reduce() error {
	if h.ID != "" && !idForm.MatchString(h.ID) {
		return fmt.Errorf("%w: the ID %.80q", topic.ErrBadName, h.ID)
	}
	for i := range h.Topics {
		if t := &h.Topics[i]; t.Name == "" || len(t.Name) > topic.MaxName {
			return fmt.Errorf("%w: topic %.80q", topic.ErrBadName, t.Name)
		}
	}
	for i := range h.Mirrors {
		m := &h.Mirrors[i]
		if m.Topic == "" || m.State == "" || m.From == "" {
			return fmt.Errorf("a mirror of %.80q without a topic, a state or a host", m.Topic)
		}
		for _, text := range []*string{&m.Topic, &m.From, &m.Host, &m.ID, &m.State, &m.Why} {
			*text = clip(*text)
		}
	}
	if _, err := sign.NewTrust([]string{h.SignsAs}); err != nil {
		h.SignsAs = "" // it is no key
	}
	h.Version, h.Err, h.More = clip(h.Version), clip(h.Err), max(h.More, 0)
	h.Host, h.Name = clip(h.Host), clip(h.Name)
	if s := h.Store; s != nil {
		s.Dir, s.Trouble = clip(s.Dir), clip(s.Trouble)
	}
	return nil
}
