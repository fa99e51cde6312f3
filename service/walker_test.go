package service_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// A peer without a descriptor learns nothing over NATS, however it makes one up: neither bytes, nor where a chunk is, nor its
// size, nor a checksum. Readers with a descriptor get their frames all the same.
func TestWalkerLearnsNothing(t *testing.T) {
	const ring, size, part, room = 4 << 20, 10_000, 2000, 5000
	url := natstest.OwnNATS(t)
	o := natstest.StartOwner(t, url, ring)
	f, short := o.Do(natstest.Order{Put: size, Seed: 1}), o.Do(natstest.Order{Put: part, Reserve: room, Seed: 2})
	peer := natstest.Dial(t, service.Options{URL: url})
	answers := map[string]framebuffer.Frame{}
	try := func(offset uint64, size int, sum framebuffer.Checksum) {
		t.Helper()
		made := framebuffer.Frame{Key: f.Key, Offset: offset, Size: size, Checksum: sum}
		m, err := peer.RequestWithContext(natstest.Within(t), subjectOf(f.Key), []byte(made.String()))
		if err != nil {
			t.Fatalf("%v: %v", made, err)
		}
		answers[fmt.Sprintf("%d bytes, %s: %s", len(m.Data), m.Header.Get("Nats-Service-Error-Code"), m.Header.Get("Nats-Service-Error"))] = made
	}
	for _, offset := range []uint64{f.Offset, f.Offset + 64, short.Offset, 0, 1, 64, 1 << 62, ^uint64(0), f.Offset + ring} {
		for _, size := range []int{1, part, room, room + 1, size - 1, size, size + 1, ring, 1 << 40} {
			try(offset, size, 0)
			try(offset, size, f.Checksum^1)
		}
	}
	late := o.Do(natstest.Order{Put: size, Seed: 3}) // of which nothing was guessed yet
	first := natstest.Content(3, 1)[0]
	for b := range 256 { // byte by byte; the right one is the last
		try(late.Offset, 1, framebuffer.ChecksumOf([]byte{first + 1 + byte(b)}))
	}
	if len(answers) != 1 {
		t.Errorf("%d answers tell apart: %v", len(answers), answers)
	}
	for answer := range answers {
		if !strings.HasPrefix(answer, "0 bytes, TIMEOUT: ") {
			t.Errorf("answers %q", answer)
		}
	}
	other := o.Do(natstest.Order{Put: part, Reserve: room, Seed: 4})
	r := reader(t, url, nil)
	for seed, f := range map[uint64]framebuffer.Frame{1: f, 3: late, 4: other} {
		if data, err := r.Get(t.Context(), f); err != nil || !bytes.Equal(data, natstest.Content(seed, f.Size)) {
			t.Errorf("%d: %d bytes, %v", seed, len(data), err)
		}
	}
	if w := r.Stats(); w.Remote != 3 {
		t.Errorf("not over NATS: %+v", w)
	}
}
