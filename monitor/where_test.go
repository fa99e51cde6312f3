package monitor_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer"
)

// What a monitor is attached by is said in words, with what somebody would look for: ids that
// ipcs(1) knows, or paths that are there.
func TestWhere(t *testing.T) {
	dir := t.TempDir()
	for backend, c := range map[string]struct{ dir, path string }{
		"sysv":  {"", "shared memory ids * and * of IPC namespace *"},
		"memfd": {dir, "socket " + dir + "/*.fb, where the server hands out the memory"},
		"file":  {"/dev/shm", "files /dev/shm/framebuffer-*.ring and .control"},
	} {
		server := serve(t, 1<<16, &framebuffer.ServerOptions{Backend: backend, Dir: c.dir})
		m := watch(t, server.Key())
		s := look(t, m)
		// A slash is a letter like others here.
		flat := func(s string) string { return strings.ReplaceAll(s, "/", "|") }
		if ok, err := filepath.Match(flat(c.path), flat(s.Path)); err != nil || !ok || s.Backend != backend {
			t.Errorf("%s: attached by %q of %s, not by %q", backend, s.Path, s.Backend, c.path)
		}
		for word := range strings.FieldsSeq(s.Path) {
			if path := strings.TrimSuffix(word, ","); strings.HasPrefix(path, "/") {
				if found, err := filepath.Glob(path); err != nil || len(found) != 1 {
					t.Errorf("%s: there is no %s (%v)", backend, path, err)
				}
			}
		}
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
		if after := look(t, m); after.Path != s.Path || after.Path == "" {
			t.Errorf("%s: after the server's end %q", backend, after.Path)
		}
	}
}

// A server's directory may be mounted elsewhere: what is told is where it is here.
func TestWhereElsewhere(t *testing.T) {
	for backend, suffix := range map[string]string{"memfd": ".fb,", "file": ".ring "} {
		dir, err := os.MkdirTemp("/dev/shm", "where-")
		if err != nil {
			t.Fatal(err)
		}
		server := serve(t, 1<<16, &framebuffer.ServerOptions{Backend: backend, Dir: dir})
		moved := dir + "-moved"
		if err := os.Rename(dir, moved); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(moved) })
		t.Setenv("FRAMEBUFFER_DIR", moved)
		if s := look(t, watch(t, server.Key())); !strings.Contains(s.Path, " "+moved+"/") || !strings.Contains(s.Path, suffix) {
			t.Errorf("%s: attached by %q, not in %s", backend, s.Path, moved)
		}
	}
}
