package segment_test

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/segment"
)

var update = flag.Bool("update", false, "rewrite testdata/keys.json from the code")

type goldenKey struct {
	Backend  string `json:"backend"`
	Location string `json:"location"`
	Nonce    string `json:"nonce"`
	Key      string `json:"key"`
}

// Programs in other languages make the same keys.
func TestGoldenKeys(t *testing.T) {
	const file = "../../testdata/keys.json"
	var all []goldenKey
	for i, k := range []segment.Key{
		{Backend: "sysv", Location: "753669.753670.4026531839"},
		{Backend: "sysv", Location: "0.2147483647.0"},
		{Backend: "memfd", Location: hex.EncodeToString([]byte("/run/user/1000/framebuffer/3a6e5ca0c3a52a54.fb"))},
		{Backend: "file", Location: hex.EncodeToString([]byte("/dev/shm/framebuffer-3a6e5ca0c3a52a5400254a6f94b9de03"))},
	} {
		for j := range k.Nonce {
			k.Nonce[j] = byte(i*91 + j*37)
		}
		all = append(all, goldenKey{k.Backend, k.Location, hex.EncodeToString(k.Nonce[:]), k.String()})
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(old) != string(text) {
		t.Errorf("%s differs from the code: run `go test -run TestGoldenKeys ./internal/segment -update`", file)
	}
}
