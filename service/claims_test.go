package service_test

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// A descriptor that claims more than a reader takes, or has memory for, is refused before anything is asked for:
// whatever answers for that ring could send as much. A frame below the limit comes.
func TestClaimsOfAnotherHost(t *testing.T) {
	url := natstest.OwnNATS(t)
	o := natstest.StartOwner(t, url, 1<<20)
	f := o.Do(natstest.Order{Put: 1000, Seed: 1})
	limited := reader(t, url, &remote.ReaderOptions{Attach: &framebuffer.ClientOptions{ReadOnly: true, MaxFrame: 1000}})
	free := reader(t, url, nil)
	for _, r := range []*remote.Reader{limited, free} {
		if data, err := r.Get(t.Context(), f); err != nil || len(data) != 1000 {
			t.Fatalf("%d bytes, %v", len(data), err)
		}
	}
	nc := natstest.Dial(t, service.Options{URL: url})
	asked, err := nc.SubscribeSync(free.Stats().Rings[0].Subject)
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	none := func([]byte) error { return nil }
	for size, want := range map[int]map[*remote.Reader]error{
		1001:    {limited: framebuffer.ErrTooLarge},
		1 << 50: {limited: framebuffer.ErrTooLarge, free: framebuffer.ErrNoMemory},
	} {
		claim := f
		claim.Size = size
		for r, kind := range want {
			if _, err := r.Get(t.Context(), claim); !errors.Is(err, kind) {
				t.Errorf("%d bytes: %v", size, err)
			}
			if err := r.View(t.Context(), claim, none); !errors.Is(err, kind) {
				t.Errorf("%d bytes in place: %v", size, err)
			}
		}
	}
	// What is memory of the caller's already is none of the reader's.
	claim := f
	claim.Size = 1001
	if err := limited.GetInto(t.Context(), make([]byte, 1001), claim); errors.Is(err, framebuffer.ErrTooLarge) {
		t.Error(err)
	}
	for n := 0; ; n++ {
		m, err := asked.NextMsgWithContext(natstest.Within(t))
		if err != nil {
			t.Fatal(err)
		}
		if g, err := framebuffer.ParseFrame(m.Data); err != nil || g.Size != 1001 || n > 0 {
			t.Fatalf("it asked for %+v, %v", g, err)
		}
		if n, _, err := asked.Pending(); n == 0 || errors.Is(err, nats.ErrConnectionClosed) {
			break
		}
	}
}
