// Package ringtest makes rings, and bytes for them, for tests. What it makes ends with the test.
package ringtest

import (
	"math/rand/v2"
	"testing"

	"github.com/core-framebuffer/framebuffer"
)

// Serve starts a server and a client in this process.
func Serve(t testing.TB, size int64) (*framebuffer.Server, *framebuffer.Client) {
	t.Helper()
	return ServeOn(t, "", size)
}

// ServeOn is [Serve] on a backend.
func ServeOn(t testing.TB, backend string, size int64) (*framebuffer.Server, *framebuffer.Client) {
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
	return s, Attach(t, s.Key())
}

// Attach attaches a client.
func Attach(t testing.TB, key string) *framebuffer.Client {
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

// Bytes returns n bytes that depend on the seed.
func Bytes(seed uint64, n int) []byte {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24), byte(seed >> 32)}).Read(data)
	return data
}

// Fill turns the ring once.
func Fill(t testing.TB, c *framebuffer.Client) {
	t.Helper()
	for st := c.Stats(); c.Stats().Head-st.Head <= st.Capacity; {
		if _, err := c.Put(make([]byte, st.Capacity/20)); err != nil {
			t.Fatal(err)
		}
	}
}
