package remote

import (
	"crypto/sha256"
	"fmt"
	"hash"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// frameVerifier verifies the signature of a frame that is fetched. A nil frameVerifier requires none.
type frameVerifier struct {
	trust     *sign.Trust
	sum       hash.Hash // of the bytes that are kept, over all attempts
	nonce     string    // of the last request
	signature string    // that came with the last part
}

func (r *Reader) newVerifier() *frameVerifier {
	if r.trust == nil {
		return nil
	}
	return &frameVerifier{trust: r.trust, sum: sha256.New()}
}

// request requests a signature.
func (v *frameVerifier) request(m *nats.Msg) {
	if v == nil {
		return
	}
	v.nonce, v.signature = sign.Nonce(), ""
	m.Header.Set(wire.HeaderNonce, v.nonce)
}

// add adds bytes that are kept, and the headers that came with them.
func (v *frameVerifier) add(data []byte, h nats.Header) {
	if v == nil {
		return
	}
	_, _ = v.sum.Write(data) // never fails
	v.signature = h.Get(wire.HeaderSignature)
}

// verify returns an error unless a trusted server has signed the frame whose bytes were added. Intact
// says that they match the frame's checksum: a frame that does not may have been overwritten while it
// was sent, which is not a forgery.
func (v *frameVerifier) verify(f framebuffer.Frame, intact bool) error {
	if v == nil || !intact && v.signature != "" {
		return nil
	}
	if err := v.trust.Verify(v.signature, frameStatement(v.nonce, f, v.sum.Sum(nil))); err != nil {
		return fmt.Errorf("%w: the %d bytes at offset %d that came from another host: %w: have its server sign (serve --sign-key) and trust the key that it prints, or look for a peer that answers in its place",
			ErrUntrusted, f.Size, f.Offset, err)
	}
	return nil
}
