package service

import (
	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// SignsAs returns the public key of [ServeOptions.SigningKey], or "" without one.
func (s *Service) SignsAs() string {
	if s.signer == nil {
		return ""
	}
	return s.signer.Public()
}

// signAnswer signs what this server answers about itself, if the requester asks for a signature.
func (s *Service) signAnswer(request, answer *nats.Msg) {
	nonce := request.Header.Get(wire.HeaderNonce)
	if s.signer != nil && sign.CheckNonce(nonce) == nil {
		answer.Header.Set(wire.HeaderSignature, s.signer.Signature(sign.AnswerStatement(nonce, request.Data, answer.Data)))
	}
}
