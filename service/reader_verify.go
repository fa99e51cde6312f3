package service

import (
	"crypto/sha256"
	"fmt"
	"hash"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// proof is what a reader keeps of a frame's answers to verify who sent it. Nil: it does not ask.
type proof struct {
	trust     *sign.Trust
	sum       hash.Hash // of all bytes that are kept, over all attempts
	nonce     string    // of the last request
	signature string    // with the last part
}

func (r *Reader) proof() *proof {
	if r.trust == nil {
		return nil
	}
	return &proof{trust: r.trust, sum: sha256.New()}
}

// ask has the answer to a request signed.
func (p *proof) ask(request *nats.Msg) {
	if p == nil {
		return
	}
	p.nonce, p.signature = sign.Nonce(), ""
	request.Header.Set(wire.HeaderNonce, p.nonce)
}

// add takes bytes that are kept, and the headers that came with them.
func (p *proof) add(data []byte, h nats.Header) {
	if p == nil {
		return
	}
	_, _ = p.sum.Write(data) // never fails
	p.signature = h.Get(wire.HeaderSignature)
}

// verify returns an error unless the frame whose bytes were added is from a server that is trusted.
// With checked its checksum is right; what is not what was written may have been overwritten, and
// is no forgery for that.
func (p *proof) verify(f framebuffer.Frame, checked bool) error {
	if p == nil || !checked && p.signature != "" {
		return nil
	}
	if err := p.trust.Verify(p.signature, frameStatement(p.nonce, f, p.sum.Sum(nil))); err != nil {
		return fmt.Errorf("%w: the %d bytes at offset %d that came from another host: %w: have its server sign (serve --sign-key) and trust the key that it prints, or look for a peer that answers in its place",
			ErrUntrusted, f.Size, f.Offset, err)
	}
	return nil
}
