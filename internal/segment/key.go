package segment

import (
	"encoding/hex"
	"fmt"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"strings"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Key is what the text of a key says. Its spelling is
//
//	fb4_<backend>_<location>_<nonce>_<check>
//
// the 4 being the layout's version, location the backend's own (no underscore), nonce 32
// hex digits, and check 8 hex digits over all that stands before: so a key cut short by a
// terminal or a clipboard is told apart from one whose server is gone.
type Key struct {
	Backend  string
	Location string
	Nonce    [16]byte
}

// maxKey bounds a key's length before anything looks at it. A Unix socket's path, the
// longest location, has 108 bytes.
const maxKey = 512

// String spells the key.
func (k Key) String() string {
	s := fmt.Sprintf("fb%d_%s_%s_%s", layout.Version, k.Backend, k.Location, hex.EncodeToString(k.Nonce[:]))
	return s + "_" + keyCheck(s)
}

func keyCheck(s string) string { return fmt.Sprintf("%08x", uint32(copyhash.Sum([]byte(s)))) }

// ParseKey reads what String writes; all errors are fberr.BadKey.
func ParseKey(s string) (k Key, err error) {
	bad := func(why string, args ...any) error {
		return fmt.Errorf("%w: %q %s", fberr.BadKey, fberr.Clip(s), fmt.Sprintf(why, args...))
	}
	if s == "" {
		return k, fmt.Errorf("%w: it is empty; a server's Key method or `framebuffer key` tells it", fberr.BadKey)
	}
	if len(s) > maxKey {
		return k, bad("has %d characters, a key has at most %d", len(s), maxKey)
	}
	f := strings.Split(s, "_")
	if !strings.HasPrefix(f[0], "fb") {
		return k, bad("is not a key: those begin with fb%d_", layout.Version)
	}
	if want := fmt.Sprintf("fb%d", layout.Version); f[0] != want {
		return k, bad("was made by another version of framebuffer: this one reads keys that begin with %s_", want)
	}
	if len(f) != 5 {
		return k, bad("has %d parts joined by underscores, a key has 5: was it cut short?", len(f))
	}
	if f[4] != keyCheck(s[:len(s)-len(f[4])-1]) {
		return k, bad("does not match its own check digits: was it cut short or mistyped?")
	}
	nonce, err := hex.DecodeString(f[3])
	if err != nil || len(nonce) != len(k.Nonce) {
		return k, bad("has no nonce of 32 hex digits")
	}
	k = Key{Backend: f[1], Location: f[2], Nonce: [16]byte(nonce)}
	if k.String() != s { // one spelling only: keys are compared as strings
		return k, bad("is not spelled as servers do")
	}
	return k, nil
}
