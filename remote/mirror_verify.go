package remote

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

// verifier receives a mirror's stream with signatures. A frame's bytes stay out of the ring, and its
// header changes nothing, until its last part has come with a valid signature.
type verifier struct {
	mirror  *Mirror
	stream  streamIdentity
	maxSize int // of a frame in the ring

	open     bool // a frame is incoming
	header   []byte
	head     mirrorFrame
	received int
	fits     bool   // the ring and this process have memory for the frame
	data     []byte // received, if the frame fits; the memory is used again
	sum      hash.Hash

	begun bool // the stream has had a frame
	ring  string
	next  uint64 // the least sequence that the next frame may have
}

// maxSignedSequence is the largest sequence that a header may have, so that the next one is a number too.
const maxSignedSequence = 1 << 62

// newVerifier returns the verifier of the stream that answers a request.
func (m *Mirror) newVerifier(h Host, request []byte) *verifier {
	return &verifier{
		mirror: m, stream: streamIdentity{h.ID, h.Host, h.Name, sha256.Sum256(request)}, maxSize: m.ring.MaxSize(), sum: sha256.New(),
	}
}

// take takes a part, and publishes the frame that it completes.
func (v *verifier) take(p stream.Part) error {
	if p.Heartbeat {
		return nil
	}
	end, text := p.Header.Get(wire.HeaderEnd) != "", p.Header.Get(wire.HeaderFrame)
	if p.Lost > 0 || end || text != "" { // the rest does not come: the next sequence tells
		v.open = false
	}
	switch {
	case end:
		if err := v.verify("the end of the topic", p, v.stream.statement(sign.End)); err != nil {
			return err
		}
		return v.mirror.pub.End()
	case text != "":
		if err := v.begin(text); err != nil {
			return err
		}
	case !v.open:
		return nil
	}
	if v.received += len(p.Data); v.received > v.head.Size {
		return v.refuse("a frame", fmt.Errorf("it has more than its %d bytes", v.head.Size))
	}
	_, _ = v.sum.Write(p.Data) // never fails
	if v.fits {
		v.data = append(v.data, p.Data...)
	}
	if v.received < v.head.Size {
		return nil
	}
	v.open = false
	return v.complete(p)
}

// begin begins a frame.
func (v *verifier) begin(text string) error {
	v.open, v.header, v.head, v.received, v.data = true, []byte(text), mirrorFrame{}, 0, v.data[:0]
	v.sum.Reset()
	if err := json.Unmarshal(v.header, &v.head); err != nil || v.head.Size < 1 || v.head.Sequence > maxSignedSequence {
		return v.refuse("a frame", errors.New("its header is not valid"))
	}
	v.fits = v.hasRoom(v.head.Size)
	return nil
}

// hasRoom reports whether the ring has room for a frame of that size, and this process for its bytes.
// The verifier hashes what does not fit all the same, to know whether it counts.
func (v *verifier) hasRoom(size int) bool {
	if size > v.maxSize {
		return false
	}
	err := shm.RoomForCopy(size - min(size, cap(v.data)))
	if err != nil {
		v.mirror.log.Debug("there is no memory to verify a frame in", "error.message", err)
	}
	return err == nil
}

// complete publishes a frame of which all bytes have come, if a trusted server sent it in this stream.
func (v *verifier) complete(p stream.Part) error {
	m, h := v.mirror, v.head
	altered := v.fits && framebuffer.ChecksumOf(v.data) != h.Checksum
	if err := v.verify(fmt.Sprintf("frame %d", h.Sequence), p, v.stream.frame(v.header, v.sum.Sum(nil))); err != nil {
		if altered && p.Header.Get(wire.HeaderSignature) != "" { // overwritten while it was sent, not forged
			m.log.Debug("a frame was not published", "error.message", err)
			return nil
		}
		return err
	}
	if v.begun && (h.Ring != v.ring || h.Sequence < v.next) {
		return v.refuse(fmt.Sprintf("frame %d", h.Sequence), fmt.Errorf("the stream has been at number %d of the ring %.80q", v.next, v.ring))
	}
	v.begun, v.ring, v.next = true, h.Ring, h.Sequence+1
	if !m.accept(&h) {
		return nil
	}
	if !v.fits || altered {
		m.count(func(s *MirrorStats) { s.Refused++ })
		return nil
	}
	now := incoming{head: h, open: true, buffer: v.data, received: h.Size}
	if err := m.reserve(&now); err != nil || !now.open {
		return err
	}
	if _, err := now.into.Write(v.data); err != nil {
		return m.refuse(&now, err)
	}
	return m.publish(&now)
}

// verify returns ErrUntrusted unless the part has the signature of a trusted server over the statement.
func (v *verifier) verify(what string, p stream.Part, statement []byte) error {
	if err := v.mirror.keys.Verify(p.Header.Get(wire.HeaderSignature), statement); err != nil {
		return v.refuse(what, err)
	}
	return nil
}

// refuse counts what is refused and returns the error that ends the stream: what is not trusted once
// comes from the same peer again.
func (v *verifier) refuse(what string, why error) error {
	m := v.mirror
	m.count(func(s *MirrorStats) { s.Refused++ })
	err := fmt.Errorf("%w: %s of the server %.64q of host %.64q: %w", ErrUntrusted, what, v.stream.name, v.stream.host, why)
	m.log.Warn("what came for a topic is refused", "error.message", err)
	return err
}
