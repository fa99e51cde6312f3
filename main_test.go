package framebuffer_test

import (
	"math/rand/v2"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	_ "github.com/core-framebuffer/framebuffer/internal/copyhash/expect"
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

// grow returns n bytes that depend on the seed.
func grow(seed uint64, n int) []byte {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24), byte(seed >> 32)}).Read(data)
	return data
}

// fillRing turns the ring once.
func fillRing(t testing.TB, c *framebuffer.Client) {
	t.Helper()
	for st := c.Stats(); c.Stats().Head-st.Head <= st.Capacity; {
		if _, err := c.Put(make([]byte, st.Capacity/20)); err != nil {
			t.Fatal(err)
		}
	}
}
