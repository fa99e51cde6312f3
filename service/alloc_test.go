package service_test

import (
	"context"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// What a client does for each frame makes no garbage: being attached to whatever server
// runs costs a pointer and nothing else.
func TestNoGarbage(t *testing.T) {
	name := natstest.Unique(t)
	natstest.Serve(t, service.ServeOptions{Name: name})
	c := natstest.Connect(t, service.Options{Name: name})
	data, dst := make([]byte, 1000), make([]byte, 1000)
	var f framebuffer.Frame
	for what, do := range map[string]func() error{
		"Put":      func() (err error) { f, err = c.Put(context.Background(), data); return err },
		"Allocate": func() error { _, err := c.Allocate(context.Background(), 10); return err },
		"ReadInto": func() error {
			f, err := c.Put(context.Background(), data)
			if err != nil {
				return err
			}
			return c.ReadInto(dst, f.Offset, f.Checksum)
		},
	} {
		n := testing.AllocsPerRun(1000, func() {
			if err := do(); err != nil {
				t.Error(err)
			}
		})
		if n != 0 {
			t.Errorf("%s makes %v allocations", what, n)
		}
	}
	if f.Key != c.Key() {
		t.Errorf("put %v", f)
	}
}
