package service

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/shm"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/stream"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// vetting is a mirror's stream of which nothing is believed that is not signed: a frame's bytes
// stay out of the ring, and its header changes nothing, until its last part has come with the
// signature.
type vetting struct {
	mirror *Mirror
	stream streamIdentity
	most   int // bytes of a frame that the ring has room for

	open   bool // a frame is on its way
	header []byte
	head   mirrorFrame
	have   int
	fits   bool
	data   []byte // what is there of it, if it fits; used again
	sum    hash.Hash

	begun bool // the stream has had a frame
	ring  string
	next  uint64 // the least number that the next one may have
}

// vetting returns the stream of that request to a server, or nil if the mirror asks for no
// signatures.
func (m *Mirror) vetting(h Host, request []byte) *vetting {
	if m.keys == nil {
		return nil
	}
	return &vetting{
		mirror: m, stream: streamIdentity{h.ID, h.Host, h.Name, sha256.Sum256(request)}, most: m.ring.MaxSize(), sum: sha256.New(),
	}
}

// take takes a part, and publishes the frame that it completes.
func (v *vetting) take(p stream.Part) error {
	if p.Heartbeat {
		return nil
	}
	end, text := p.Header.Get(wire.HeaderEnd) != "", p.Header.Get(wire.HeaderFrame)
	if p.Lost > 0 || end || text != "" { // the rest does not come: the next number tells
		v.open = false
	}
	switch {
	case end:
		if err := v.verify("the end of the topic", p, v.stream.statement(sign.End)); err != nil {
			return err
		}
		return v.mirror.pub.End()
	case text != "":
		v.open, v.header, v.head, v.have, v.data = true, []byte(text), mirrorFrame{}, 0, v.data[:0]
		v.sum.Reset()
		if err := json.Unmarshal(v.header, &v.head); err != nil || v.head.Size < 1 || v.head.Sequence > 1<<62 {
			return v.refuse("a frame", errors.New("its header is none"))
		}
		v.fits = v.room(v.head.Size)
	case !v.open:
		return nil
	}
	if v.have += len(p.Data); v.have > v.head.Size {
		return v.refuse("a frame", fmt.Errorf("it has more than its %d bytes", v.head.Size))
	}
	_, _ = v.sum.Write(p.Data) // never fails
	if v.fits {
		v.data = append(v.data, p.Data...)
	}
	if v.have < v.head.Size {
		return nil
	}
	v.open = false
	return v.complete(p)
}

// room reports whether the ring has room for a frame of that size, and this process for a copy.
// What does not fit is hashed all the same, to know whether it is to be counted.
func (v *vetting) room(size int) bool {
	if size > v.most {
		return false
	}
	err := shm.RoomForCopy(size - min(size, cap(v.data)))
	if err != nil {
		v.mirror.log.Debug("there is no memory to verify a frame in", "error.message", err)
	}
	return err == nil
}

// complete publishes a frame of which all has come, if it is what a trusted server sent in this
// stream.
func (v *vetting) complete(p stream.Part) error {
	m, h := v.mirror, v.head
	altered := v.fits && framebuffer.ChecksumOf(v.data) != h.Checksum
	if err := v.verify(fmt.Sprintf("frame %d", h.Sequence), p, v.stream.frame(v.header, v.sum.Sum(nil))); err != nil {
		if altered && p.Header.Get(wire.HeaderSignature) != "" { // overwritten while it left: that is no forgery
			m.log.Debug("a frame was not published", "error.message", err)
			return nil
		}
		return err
	}
	if v.begun && (h.Ring != v.ring || h.Sequence < v.next) {
		return v.refuse(fmt.Sprintf("frame %d", h.Sequence), fmt.Errorf("the stream has been at number %d of the ring %.80q", v.next, v.ring))
	}
	v.begun, v.ring, v.next = true, h.Ring, h.Sequence+1
	if !m.number(&h) {
		return nil
	}
	if !v.fits || altered {
		m.count(func(s *MirrorStats) { s.Refused++ })
		return nil
	}
	now := arriving{head: h, open: true, kept: v.data, have: h.Size}
	if err := m.reserve(&now); err != nil || !now.open {
		return err
	}
	if _, err := now.into.Write(v.data); err != nil {
		return m.refused(&now, err)
	}
	return m.publish(&now)
}

// verify returns ErrUntrusted unless the part has the signature of a trusted server over the
// statement.
func (v *vetting) verify(what string, p stream.Part, statement []byte) error {
	if err := v.mirror.keys.Verify(p.Header.Get(wire.HeaderSignature), statement); err != nil {
		return v.refuse(what, err)
	}
	return nil
}

// refuse counts what is refused, and returns the stream's end: what has come once from a peer that
// is not trusted comes from it again.
func (v *vetting) refuse(what string, why error) error {
	m := v.mirror
	m.count(func(s *MirrorStats) { s.Refused++ })
	err := fmt.Errorf("%w: %s of the server %.64q of host %.64q: %w", ErrUntrusted, what, v.stream.name, v.stream.host, why)
	m.log.Warn("what came for a topic is refused", "error.message", err)
	return err
}

// means reports whether a server whose answer is signed is one that the mirror's user asked for: a
// question to one name can be handed to the server of another.
func (m *Mirror) means(h Host) bool {
	from := m.options.From
	return m.keys == nil || from == AnyHost || from == h.Host || from == h.Name || from == h.ID
}
