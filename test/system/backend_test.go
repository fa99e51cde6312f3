package system_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func backends() []string { return []string{"sysv", "memfd", "file"} }

// Whatever the backend, another process reads what this one wrote, readers that may only read
// cannot attach for more, and a key is worth nothing when its server has closed.
func TestBackends(t *testing.T) {
	for _, backend := range backends() {
		t.Run(backend, func(t *testing.T) {
			dir := filepath.Join(memoryDir(t), "made", "here")
			s, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Backend: backend, Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if got := s.Stats().Backend; got != backend {
				t.Errorf("backend %q", got)
			}
			c, err := framebuffer.Attach(s.Key(), nil)
			if err != nil {
				t.Fatal(err)
			}
			f, err := c.Put([]byte("hello"))
			if err != nil {
				t.Fatal(err)
			}
			for _, readOnly := range []bool{false, true} {
				r, err := framebuffer.Attach(s.Key(), &framebuffer.ClientOptions{ReadOnly: readOnly})
				if err != nil {
					t.Fatal(err)
				}
				if got, err := r.Get(f); string(got) != "hello" || err != nil {
					t.Errorf("read-only %v: %q, %v", readOnly, got, err)
				}
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if got, err := c.Get(f); string(got) != "hello" || err != nil {
				t.Errorf("after the server's end: %q, %v", got, err)
			}
			if c, err := framebuffer.Attach(s.Key(), nil); !errors.Is(err, framebuffer.ErrStaleKey) {
				t.Errorf("attached to a closed server: %v, %v", c, err)
			}
			if left, err := os.ReadDir(dir); len(left) > 0 || backend != "sysv" && err != nil {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// The server of a memfd looks at who asks: the socket's directory may be open to all.
func TestMemfdAdmitsByMode(t *testing.T) {
	testproc.NeedRoot(t)
	for mode, admitted := range map[os.FileMode]bool{0o600: false, 0o660: false, 0o644: false, 0o622: false, 0o666: true} {
		dir, err := os.MkdirTemp("", "framebuffer-test-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // open to all, that is the point
			t.Fatal(err)
		}
		s, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Backend: "memfd", Dir: dir, Mode: mode})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		p := testproc.StartWith(t, []testproc.Option{testproc.As(65534, 65534)}, "attach", s.Key())
		var got attachResult
		p.Recv(&got)
		p.Done()
		if (got.Err == "") != admitted || got.Permission == admitted || !admitted && !strings.Contains(got.Err, "uid 65534") {
			t.Errorf("mode %o: %+v, admitted: %v", mode, got, admitted)
		}
	}
}
