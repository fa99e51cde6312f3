package sign

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nkeys"
	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// A key that is not there is made, for this user alone and whole: servers that start at the same
// time have the same one.
func TestKeyIsMade(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	public := make([]string, 20)
	var all sync.WaitGroup
	for i := range public {
		all.Go(func() {
			if k, err := Open(path); err != nil {
				t.Error(err)
			} else {
				public[i] = k.Public()
			}
		})
	}
	all.Wait()
	for _, p := range public {
		if p != public[0] || !nkeys.IsValidPublicServerKey(p) {
			t.Fatalf("%q", public)
		}
	}
	st, err := os.Stat(path)
	if err != nil || st.Mode() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
	// It is an NKey like others: nkeys signs the same with it.
	seed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := nkeys.FromSeed([]byte(strings.TrimSpace(string(seed))))
	if err != nil {
		t.Fatal(err)
	}
	if p, err := pair.PublicKey(); err != nil || p != public[0] {
		t.Errorf("%q, %v", p, err)
	}
}

// A file that others can read, or that holds no such key, is refused, and what is in it is not
// repeated.
func TestKeyIsRefused(t *testing.T) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	user, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(t.TempDir(), "good")
	if _, err := Open(good); err != nil {
		t.Fatal(err)
	}
	server, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		content string
		mode    fs.FileMode
		want    error
	}{
		"for the group":  {string(server), 0o640, fberr.Permission},
		"for all":        {string(server), 0o604, fberr.Permission},
		"written by all": {string(server), 0o602, fberr.Permission},
		"empty":          {"", 0o600, fberr.BadKey},
		"no seed":        {"SECRET-SECRET", 0o600, fberr.BadKey},
		"a user's":       {string(user), 0o600, fberr.BadKey},
		"two":            {string(server) + string(server), 0o600, fberr.BadKey},
		"large":          {strings.Repeat("S", 1<<20), 0o600, fberr.BadKey},
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := errors.Join(os.WriteFile(path, []byte(c.content), 0o600), os.Chmod(path, c.mode)); err != nil {
			t.Fatal(err)
		}
		k, err := Open(path)
		if !errors.Is(err, c.want) || k != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if text := err.Error(); !strings.Contains(text, path) || len(text) > 1000 || c.content != "" && strings.Contains(text, strings.TrimSpace(c.content)) {
			t.Errorf("%s: %s", what, text)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != c.content {
			t.Errorf("%s: it has been changed: %v", what, err)
		}
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{pipe: fberr.BadKey, t.TempDir(): fberr.BadKey, filepath.Join(pipe, "x"): unix.ENOTDIR, filepath.Join(t.TempDir(), "a", "b"): fs.ErrNotExist} {
		if k, err := Open(path); k != nil || !errors.Is(err, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Signatures hold for their statement, by their key, and for no other.
func TestVerify(t *testing.T) {
	dir := t.TempDir()
	a, err1 := Open(filepath.Join(dir, "a"))
	b, err2 := Open(filepath.Join(dir, "b"))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	statement := Statement(Frame, []byte("one"), []byte("two"))
	trust, err := NewTrust([]string{a.Public()})
	if err != nil {
		t.Fatal(err)
	}
	signature := a.Signature(statement)
	if err := trust.Verify(signature, statement); err != nil {
		t.Error(err)
	}
	for what, c := range map[string]struct {
		signature string
		statement []byte
	}{
		"none":              {"", statement},
		"another kind":      {signature, Statement(Mirror, []byte("one"), []byte("two"))},
		"other borders":     {signature, Statement(Frame, []byte("on"), []byte("etwo"))},
		"one field":         {signature, Statement(Frame, []byte("onetwo"))},
		"one field more":    {signature, Statement(Frame, []byte("one"), []byte("two"), nil)},
		"another key":       {b.Signature(statement), statement},
		"by another's name": {a.Public() + " " + strings.Fields(b.Signature(statement))[1], statement},
		"cut":               {signature[:len(signature)-2], statement},
		"longer":            {signature + "AAAA", statement},
		"the key alone":     {a.Public(), statement},
	} {
		if trust.Verify(c.signature, c.statement) == nil {
			t.Errorf("%s: verified", what)
		}
	}
	none, err := NewTrust([]string{})
	if err != nil || none == nil || none.Verify(signature, statement) == nil {
		t.Errorf("a list without keys: %v, %v", none, err)
	}
	if all, err := NewTrust(nil); all != nil || err != nil {
		t.Errorf("no list: %v, %v", all, err)
	}
	seed := strings.TrimSpace(string(must(os.ReadFile(filepath.Join(dir, "a")))))
	if _, err := NewTrust([]string{seed}); !errors.Is(err, fberr.BadKey) || strings.Contains(err.Error(), seed[:10]) {
		t.Errorf("a seed for a public key: %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
