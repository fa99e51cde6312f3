package service

import (
	"encoding/json"
	"fmt"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/topic"
)

// What a server says of itself, a peer that means harm says too. readHost keeps of it what an honest
// server can say, and at most some five times as many bytes as the answer has.

// readHost reads a Host out of an answer that may have so many bytes.
func readHost(text []byte, most int) (h Host, err error) {
	if len(text) > most {
		return h, fmt.Errorf("%w: it answered %d bytes, and %d were asked for at most", framebuffer.ErrTooLarge, len(text), most)
	}
	if err := wire.CheckDense(text); err != nil {
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

// reduce clips what a server says, and refuses lists of nothing. What names look like is for those that
// show them, or look for one.
func (h *Host) reduce() error {
	if h.ID != "" && !wire.ValidID(h.ID) {
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
			*text = wire.Clip(*text)
		}
	}
	if _, err := sign.NewTrust([]string{h.SignsAs}); err != nil {
		h.SignsAs = "" // it is no key
	}
	h.Version, h.Err, h.More = wire.Clip(h.Version), wire.Clip(h.Err), max(h.More, 0)
	h.Host, h.Name = wire.Clip(h.Host), wire.Clip(h.Name)
	if s := h.Store; s != nil {
		s.Dir, s.Trouble = wire.Clip(s.Dir), wire.Clip(s.Trouble)
	}
	return nil
}
