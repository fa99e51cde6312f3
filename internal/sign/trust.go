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

// keyLength is how many characters a public key has: a kind, 32 bytes and a checksum in base32.
const keyLength = (1 + ed25519.PublicKeySize + 2) * 8 / 5

// Trust is a set of public keys, whose signatures are taken. Nil means that none are asked for.
type Trust struct {
	keys map[string]ed25519.PublicKey
}

// NewTrust returns the set of these keys. Of nil it is nil, and without any it takes no signature
// at all: a list that lost its keys does not let everything through.
func NewTrust(keys []string) (*Trust, error) {
	if keys == nil {
		return nil, nil
	}
	t := &Trust{keys: map[string]ed25519.PublicKey{}}
	for _, k := range keys {
		raw, err := nkeys.Decode(nkeys.PrefixByteServer, []byte(k))
		// nkeys passes over what stands behind the last whole byte: such a text would match no signature.
		if err == nil && (len(raw) != ed25519.PublicKeySize || len(k) != keyLength) {
			err = errors.New("its length is another")
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %.80q is no server's public NKey, which begins with N and has 56 characters: framebuffer serve --sign-key prints it: %w", fberr.BadKey, shown(k), err)
		}
		t.keys[k] = raw
	}
	return t, nil
}

// shown is what may be repeated of something that was to be a public key: no seed.
func shown(k string) string {
	if strings.HasPrefix(k, "S") {
		return "S…"
	}
	return k
}

// Has reports whether the key is one of these.
func (t *Trust) Has(public string) bool { return t.keys[public] != nil }

// Verify returns an error unless it is a signature over the statement, by one of these keys.
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
		return fmt.Errorf("what %s is said to have signed with is no signature", public)
	}
	if !ed25519.Verify(key, statement, raw) {
		return fmt.Errorf("the signature of %s is not over this", public)
	}
	return nil
}
