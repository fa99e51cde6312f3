package segment_test

import (
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func TestMain(m *testing.M) { testproc.Main(m, nil) }

// serve starts a server and a client in this process; both are closed with the test.
func serve(t testing.TB, size int64) (*framebuffer.Server, *framebuffer.Client) {
	t.Helper()
	return serveOn(t, "", size)
}

// serveOn is serve on a backend.
func serveOn(t testing.TB, backend string, size int64) (*framebuffer.Server, *framebuffer.Client) {
	t.Helper()
	s, err := framebuffer.NewServer(size, &framebuffer.ServerOptions{Backend: backend})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, attach(t, s.Key())
}

func attach(t testing.TB, key string) *framebuffer.Client {
	t.Helper()
	c, err := framebuffer.Attach(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}
