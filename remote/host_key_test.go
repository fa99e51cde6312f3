package remote

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/sign"
)

// What a server says is its key is shown if it is one.
func TestWhatIsNoKeyIsNotShown(t *testing.T) {
	key, err := sign.Open(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	good := key.Public()
	for said, want := range map[string]string{
		good: good, "": "", "N": "", good + "A": "", "\x1b[31m": "", strings.Repeat("N", 10_000): "", strings.ToLower(good): "",
	} {
		text, err := json.Marshal(Host{ID: "AAAA", SignsAs: said})
		if err != nil {
			t.Fatal(err)
		}
		if h, err := ParseHost(text, len(text)); err != nil || h.SignsAs != want {
			t.Errorf("%.80q: %.80q, %v", said, h.SignsAs, err)
		}
	}
}
