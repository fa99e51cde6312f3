package service

import (
	"crypto/sha256"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// streamIdentity is what all statements of one mirror's stream hold: whose stream it is, and what was asked
// for, which no other request equals, since its nonce is in it. So nothing of another stream is
// taken for a part of this one.
type streamIdentity struct {
	id, host, name string // of the server
	request        [sha256.Size]byte
}

func (s streamIdentity) statement(kind string, more ...[]byte) []byte {
	return sign.Statement(kind, append([][]byte{[]byte(s.id), []byte(s.host), []byte(s.name), s.request[:]}, more...)...)
}

// frame is the statement of a frame: header is the text of headerFrame, as it travels.
func (s streamIdentity) frame(header, digest []byte) []byte {
	return s.statement(sign.Mirror, header, digest)
}

// streamSigner signs a topic's stream. Nil signs nothing.
type streamSigner struct {
	streamIdentity
	key *sign.Key
}

func (s *Service) streamSigner(request []byte, of mirrorRequest) (*streamSigner, error) {
	if of.Nonce == "" {
		return nil, nil
	}
	if s.signer == nil {
		return nil, s.errNoKey()
	}
	if err := sign.CheckNonce(of.Nonce); err != nil {
		return nil, err
	}
	return &streamSigner{streamIdentity{s.micro.Info().ID, s.config.host(), natsconn.NameOrDefault(s.config.Name), sha256.Sum256(request)}, s.signer}, nil
}

// frame returns what signs the frame of that header.
func (s *streamSigner) frame(header []byte) *sealing {
	if s == nil {
		return nil
	}
	return &sealing{s.key, sha256.New(), func(digest []byte) []byte { return s.streamIdentity.frame(header, digest) }}
}

// end signs the end of the topic.
func (s *streamSigner) end(h nats.Header) nats.Header {
	if s != nil {
		h[wire.HeaderSignature] = []string{s.key.Signature(s.statement(sign.End))}
	}
	return h
}
