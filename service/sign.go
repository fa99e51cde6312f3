package service

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/stream"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// ErrUntrusted says that what came from another host is not signed by a server whose key is
// trusted, or is not what that server signed. Nothing of it is handed out, and nothing is asked for
// again.
var ErrUntrusted = wire.ErrUntrusted

// SignsAs is the public key of Config.SigningKey, or "" without one.
func (s *Service) SignsAs() string {
	if s.signer == nil {
		return ""
	}
	return s.signer.Public()
}

// errNoKey answers an asker who wants signatures. It costs the asker no wait.
func (s *Service) errNoKey() error {
	return fmt.Errorf("%w: the server %s on host %s signs nothing: start it with framebuffer serve --sign-key FILE", ErrUntrusted, natsconn.NameOrDefault(s.config.Name), s.config.host())
}

// sealing signs bytes while they are sent. What is signed is what was hashed, and that each part is
// hashed right before it leaves: bytes that change in between make a signature over other bytes
// than came, and the checksum says so.
type sealing struct {
	key   *sign.Key
	sum   hash.Hash
	state func(digest []byte) []byte
}

// sealing returns what signs the answer to a reader's request, or nil if the reader does not ask
// for that.
func (s *Service) sealing(r *nats.Msg, f framebuffer.Frame) (*sealing, error) {
	nonce, asked := r.Header.Get(wire.HeaderNonce), r.Header[wire.HeaderNonce] != nil
	switch {
	case !asked:
		return nil, nil
	case s.signer == nil:
		return nil, s.errNoKey()
	}
	if err := sign.CheckNonce(nonce); err != nil {
		return nil, err
	}
	return &sealing{s.signer, sha256.New(), func(digest []byte) []byte { return frameStatement(nonce, f, digest) }}, nil
}

// frameStatement is what the owner of a frame signs for one request.
func frameStatement(nonce string, f framebuffer.Frame, digest []byte) []byte {
	return sign.Statement(sign.Frame, []byte(nonce), []byte(wire.ReadSubject(f.Key)), strconv.AppendUint(nil, f.Offset, 10),
		strconv.AppendInt(nil, int64(f.Size), 10), []byte(f.Checksum.String()), digest)
}

// send sends all bytes behind the first skip, with the signature over all of them where there is
// one to be: with the last part. Before each part it calls intact, and ends with its error.
func (g *sealing) send(ctx context.Context, stream *stream.Stream, header nats.Header, bytes []byte, skip uint64, intact func() error) error {
	if g == nil {
		return stream.Send(ctx, header, bytes[skip:], intact)
	}
	if err := g.skip(stream, bytes[:skip], intact); err != nil {
		return err
	}
	return stream.SendEach(ctx, header, bytes[skip:], func(part []byte, h nats.Header, last bool) error {
		_, _ = g.sum.Write(part) // never fails
		// Behind the hash: what was overwritten before it was read is not signed.
		if err := intact(); err != nil || !last {
			return err
		}
		h[wire.HeaderSignature] = []string{g.key.Signature(g.state(g.sum.Sum(nil)))}
		return nil
	})
}

// skipped is how much is hashed at a time of what a reader has already.
const skipped = 1 << 20

// skip hashes what is not sent: the reader has it of an earlier answer.
func (g *sealing) skip(out *stream.Stream, bytes []byte, intact func() error) error {
	for beat := time.Now(); len(bytes) > 0; {
		n := min(len(bytes), skipped)
		_, _ = g.sum.Write(bytes[:n])
		bytes = bytes[n:]
		if err := intact(); err != nil {
			return err
		}
		select {
		case <-out.Gone():
			return stream.ErrGone
		default:
		}
		if time.Since(beat) > time.Second {
			beat = time.Now()
			if err := out.Heartbeat(); err != nil {
				return err
			}
		}
	}
	return nil
}

// signAnswer signs what this server answers to a question, if the asker wants that.
func (s *Service) signAnswer(r, answer *nats.Msg) {
	nonce := r.Header.Get(wire.HeaderNonce)
	if s.signer != nil && sign.CheckNonce(nonce) == nil {
		answer.Header.Set(wire.HeaderSignature, s.signer.Signature(answerStatement(nonce, r.Data, answer.Data)))
	}
}

func answerStatement(nonce string, question, answer []byte) []byte {
	return sign.Statement(sign.Answer, []byte(nonce), question, answer)
}
