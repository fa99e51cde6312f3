package sign

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nkeys"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// keyLength is how many characters a public key has: its kind, 32 bytes and a checksum, in base32.
const keyLength = (1 + ed25519.PublicKeySize + 2) * 8 / 5

// Trust is a set of public keys whose signatures are accepted. Nil means that no signature is required.
type Trust struct {
	keys map[string]ed25519.PublicKey
}

// NewTrust returns the set of these keys, or nil for nil. The set of an empty list accepts no signature:
// a list that lost its keys must not accept everything.
func NewTrust(keys []string) (*Trust, error) {
	if keys == nil {
		return nil, nil
	}
	t := &Trust{keys: map[string]ed25519.PublicKey{}}
	for _, k := range keys {
		raw, err := nkeys.Decode(nkeys.PrefixByteServer, []byte(k))
		// nkeys ignores what follows the last whole byte: such a text would match no signature.
		if err == nil && (len(raw) != ed25519.PublicKeySize || len(k) != keyLength) {
			err = errors.New("its length is another")
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %.80q is not a server's public NKey, which begins with N and has 56 characters: framebuffer serve --sign-key prints it: %w", fberr.BadKey, redact(k), err)
		}
		t.keys[k] = raw
	}
	return t, nil
}

// redact returns a text that was to be a public key without the secret, if it is a seed.
func redact(k string) string {
	if strings.HasPrefix(k, "S") {
		return "S…"
	}
	return k
}

// Has reports whether the set contains a public key.
func (t *Trust) Has(public string) bool { return t.keys[public] != nil }

// Verify returns an error unless the signature is one over the statement by a key of the set.
func (t *Trust) Verify(signature string, statement []byte) error {
	public, text, _ := strings.Cut(signature, " ")
	if public == "" {
		return errors.New("there is no signature")
	}
	key := t.keys[public]
	if key == nil {
		return fmt.Errorf("%.56q signed it, which is none of the %d keys that are trusted", public, len(t.keys))
	}
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(raw) != ed25519.SignatureSize {
		return fmt.Errorf("the signature that names %s is not a valid signature", public)
	}
	if !ed25519.Verify(key, statement, raw) {
		return fmt.Errorf("the signature of %s does not match", public)
	}
	return nil
}
