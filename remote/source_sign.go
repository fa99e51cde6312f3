package remote

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/stream"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// errNotSigning answers a request for a signature that this server cannot make. The requester does not
// have to wait for a timeout.
func (s *Source) errNotSigning() error {
	return fmt.Errorf("%w: the server %s on host %s signs nothing: start it with framebuffer serve --sign-key FILE", ErrUntrusted, s.options.Name, s.options.Host)
}

// frameSigner signs the bytes of a frame while they are sent. Each part is hashed right before it is
// sent. If the bytes change in between, the signature is over other bytes than were sent, and the
// checksum tells the reader so. A nil frameSigner sends without a signature.
type frameSigner struct {
	key       *sign.Key
	sum       hash.Hash
	statement func(digest []byte) []byte // what to sign, of the hash of the frame's bytes
}

// frameSigner returns the signer of the answer to a reader's request, nil if the reader does not
// request a signature.
func (s *Source) frameSigner(r *nats.Msg, f framebuffer.Frame) (*frameSigner, error) {
	nonce, requested := r.Header.Get(wire.HeaderNonce), r.Header[wire.HeaderNonce] != nil
	switch {
	case !requested:
		return nil, nil
	case s.options.SigningKey == nil:
		return nil, s.errNotSigning()
	}
	if err := sign.CheckNonce(nonce); err != nil {
		return nil, err
	}
	return &frameSigner{s.options.SigningKey, sha256.New(), func(digest []byte) []byte { return frameStatement(nonce, f, digest) }}, nil
}

// frameStatement returns what a source signs for one request of a reader.
func frameStatement(nonce string, f framebuffer.Frame, digest []byte) []byte {
	return sign.Statement(sign.Frame, []byte(nonce), []byte(wire.ReadSubject(f.Key)), strconv.AppendUint(nil, f.Offset, 10),
		strconv.AppendInt(nil, int64(f.Size), 10), []byte(f.Checksum.String()), digest)
}

// send sends all bytes after the first skip, and with the last part the signature over all of them. It
// calls check before each part and ends with its error.
func (g *frameSigner) send(ctx context.Context, out *stream.Stream, header nats.Header, bytes []byte, skip uint64, check func() error) error {
	if g == nil {
		return out.Send(ctx, header, bytes[skip:], check)
	}
	if err := g.hashSkipped(out, bytes[:skip], check); err != nil {
		return err
	}
	return out.SendEach(ctx, header, bytes[skip:], func(part []byte, h nats.Header, last bool) error {
		_, _ = g.sum.Write(part) // never fails
		// After the hash: bytes that were overwritten before they were hashed are not signed.
		if err := check(); err != nil || !last {
			return err
		}
		h[wire.HeaderSignature] = []string{g.key.Signature(g.statement(g.sum.Sum(nil)))}
		return nil
	})
}

// hashChunk is how many bytes are hashed at a time of those that are not sent.
const hashChunk = 1 << 20

// hashSkipped hashes the bytes that the reader has from an earlier answer.
func (g *frameSigner) hashSkipped(out *stream.Stream, bytes []byte, check func() error) error {
	for heartbeat := time.Now(); len(bytes) > 0; {
		n := min(len(bytes), hashChunk)
		_, _ = g.sum.Write(bytes[:n])
		bytes = bytes[n:]
		if err := check(); err != nil {
			return err
		}
		select {
		case <-out.Gone():
			return stream.ErrGone
		default:
		}
		if time.Since(heartbeat) > time.Second {
			heartbeat = time.Now()
			if err := out.Heartbeat(); err != nil {
				return err
			}
		}
	}
	return nil
}

// streamIdentity is part of all statements of one mirror's stream: which server sends it, and the
// request, which differs from every other request by its nonce. So nothing of another stream can pass
// for a part of this one.
type streamIdentity struct {
	id, host, name string // of the server
	request        [sha256.Size]byte
}

func (s streamIdentity) statement(kind string, more ...[]byte) []byte {
	return sign.Statement(kind, append([][]byte{[]byte(s.id), []byte(s.host), []byte(s.name), s.request[:]}, more...)...)
}

// frame returns the statement of a frame: header is the text of wire.HeaderFrame as it was sent.
func (s streamIdentity) frame(header, digest []byte) []byte {
	return s.statement(sign.Mirror, header, digest)
}

// streamSigner signs the stream of a topic. A nil streamSigner signs nothing.
type streamSigner struct {
	streamIdentity
	key *sign.Key
}

func (s *Source) streamSigner(data []byte, request mirrorRequest) (*streamSigner, error) {
	if request.Nonce == "" {
		return nil, nil
	}
	if s.options.SigningKey == nil {
		return nil, s.errNotSigning()
	}
	if err := sign.CheckNonce(request.Nonce); err != nil {
		return nil, err
	}
	return &streamSigner{streamIdentity{s.options.ID, s.options.Host, s.options.Name, sha256.Sum256(data)}, s.options.SigningKey}, nil
}

// frame returns the signer of the frame with that header.
func (s *streamSigner) frame(header []byte) *frameSigner {
	if s == nil {
		return nil
	}
	return &frameSigner{s.key, sha256.New(), func(digest []byte) []byte { return s.streamIdentity.frame(header, digest) }}
}

// end adds the signature over the end of the topic.
func (s *streamSigner) end(h nats.Header) nats.Header {
	if s != nil {
		h[wire.HeaderSignature] = []string{s.key.Signature(s.statement(sign.End))}
	}
	return h
}
