package service_test

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/collision"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

const signature = "Framebuffer-Signature"

// A frame that its owner signs comes to readers that trust the owner, whatever its size; and to no
// reader that trusts another, none, or an owner that does not sign.
func TestSignedFrames(t *testing.T) {
	const ring = 33 << 20
	for _, payload := range []int32{8 << 10, 1 << 20} {
		t.Run(strconv.Itoa(int(payload)), func(t *testing.T) {
			url := natstest.RunNATS(t, &natsserver.Options{MaxPayload: payload})
			path, public, _ := signingKey(t)
			_, other, _ := signingKey(t)
			o, silent := natstest.StartOwnerAt(t, "signer", url, ring, path), natstest.StartOwner(t, url, 1<<20)
			natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t)})
			readers := map[string]anyReader{
				"a client": natstest.Connect(t, service.Options{URL: url, Trust: []string{public}}),
				"a reader": reader(t, url, &remote.ReaderOptions{Trust: []string{other, public}}),
			}
			for i, size := range []int{1, 31<<10 - 1, 31 << 10, 31<<10 + 1, 1 << 20, 30 << 20} {
				seed := uint64(i)
				f, want := o.Do(natstest.Order{Put: size, Seed: seed}), natstest.Content(seed, size)
				for who, r := range readers {
					got, err := r.Get(t.Context(), f)
					if err != nil || !bytes.Equal(got, want) {
						t.Fatalf("Get of %d bytes by %s: %d bytes, %v", size, who, len(got), err)
					}
					clear(got)
					if err := r.GetInto(t.Context(), got, f); err != nil || !bytes.Equal(got, want) {
						t.Fatalf("GetInto of %d bytes by %s: %v", size, who, err)
					}
				}
			}
			f, unsigned := o.Do(natstest.Order{Put: 1000, Seed: 1}), silent.Do(natstest.Order{Put: 1000, Seed: 1})
			for what, c := range map[string]struct {
				frame framebuffer.Frame
				trust []string
				want  error
			}{
				"another key":               {f, []string{other}, remote.ErrUntrusted},
				"a list without keys":       {f, []string{}, remote.ErrUntrusted},
				"an owner that does not":    {unsigned, []string{public}, remote.ErrUntrusted},
				"no key":                    {f, []string{"N"}, framebuffer.ErrBadKey},
				"a user's key":              {f, []string{"UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"}, framebuffer.ErrBadKey},
				"a key that is cut":         {f, []string{public[:55]}, framebuffer.ErrBadKey},
				"a key, and what is no key": {f, []string{public, ""}, framebuffer.ErrBadKey},
			} {
				r := reader(t, url, &remote.ReaderOptions{Trust: c.trust})
				dst := natstest.Content(7, 1000)
				if err := r.GetInto(t.Context(), dst, c.frame); !errors.Is(err, c.want) || errors.Is(err, framebuffer.ErrTimeout) {
					t.Errorf("%s: %v", what, err)
				}
				if !bytes.Equal(dst, make([]byte, 1000)) && !bytes.Equal(dst, natstest.Content(7, 1000)) {
					t.Errorf("%s: there are bytes", what)
				}
				if n := r.Stats().Untrusted; (n == 1) != errors.Is(c.want, remote.ErrUntrusted) {
					t.Errorf("%s: %d frames were counted", what, n)
				}
			}
		})
	}
}

// Frames of this host come through shared memory: their readers ask for no signature.
func TestFramesOfThisHostAreNotSigned(t *testing.T) {
	url := natstest.OwnNATS(t)
	server, _ := natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t)})
	_, public, _ := signingKey(t)
	f, err := natstest.Attach(t, server.Key()).Put([]byte("near"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []anyReader{natstest.Connect(t, service.Options{URL: url, Trust: []string{public}}), reader(t, url, &remote.ReaderOptions{Trust: []string{}})} {
		if got, err := r.Get(t.Context(), f); err != nil || string(got) != "near" {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// Parts that are lost and asked for again are under the signature of the whole frame.
func TestSignedFrameIsResumed(t *testing.T) {
	r := newRelay(t)
	path, public, _ := signingKey(t)
	o := natstest.StartOwnerAt(t, "signer", r.farURL, 8<<20, path)
	f, want := o.Do(natstest.Order{Put: 3 << 20, Seed: 5}), natstest.Content(5, 3<<20)
	for _, lost := range []int64{1, 2, 50, 99, 100} { // of 100, the last with the signature
		var n atomic.Int64
		r.does(nil, func(_, m *nats.Msg, tell func(*nats.Msg)) {
			if n.Add(1) != lost {
				tell(m)
			}
		})
		from := reader(t, r.toURL, &remote.ReaderOptions{Trust: []string{public}})
		if got, err := from.Get(t.Context(), f); err != nil || !bytes.Equal(got, want) || from.Stats().Resumed == 0 {
			t.Errorf("without part %d: %d bytes, %v, %+v", lost, len(got), err, from.Stats())
		}
	}
}

// What a peer in the middle makes of a frame is refused, also where the checksum is right; and a
// reader that trusts all of its NATS gets it, which is why signatures are there.
func TestForgedFrames(t *testing.T) {
	const size = 200_000
	r := newRelay(t)
	path, public, _ := signingKey(t)
	_, _, stranger := signingKey(t)
	o := natstest.StartOwnerAt(t, "signer", r.farURL, 8<<20, path)
	f, same := o.Do(natstest.Order{Put: size, Seed: 1}), o.Do(natstest.Order{Put: size, Seed: 1})
	larger := o.Do(natstest.Order{Put: size + 1, Seed: 1}) // begins with the same bytes
	if f.Checksum != same.Checksum || f.Offset == same.Offset {
		t.Fatalf("%v and %v", f, same)
	}
	forged, err := collision.Of(natstest.Content(1, size), natstest.Content(2, size))
	if err != nil || framebuffer.ChecksumOf(forged) != f.Checksum {
		t.Fatalf("no forgery: %v", err)
	}
	trusting := reader(t, r.toURL, &remote.ReaderOptions{Trust: []string{public}})
	if got, err := trusting.Get(t.Context(), f); err != nil || !bytes.Equal(got, natstest.Content(1, size)) {
		t.Fatalf("by way of a peer that hands on: %d bytes, %v", len(got), err)
	}

	// other sends other bytes in the parts of the owner, with whatever else these have. A reader that
	// waits for long asks again, for what it has not got: each question has a position of its own.
	other := func() func(question, m *nats.Msg, tell func(*nats.Msg)) {
		var mu sync.Mutex
		position := map[string]int{}
		return func(question, m *nats.Msg, tell func(*nats.Msg)) {
			if n := len(m.Data); n > 0 {
				mu.Lock()
				at, known := position[question.Reply]
				if !known {
					at, _ = strconv.Atoi(question.Header.Get("Framebuffer-From")) // none: the beginning
				}
				position[question.Reply] = at + n
				mu.Unlock()
				m.Data = forged[at : at+n]
			}
			tell(m)
		}
	}
	// A reader that asks for no signature gets the forgery, and has no way to know.
	r.does(nil, other())
	if got, err := reader(t, r.toURL, nil).Get(t.Context(), f); err != nil || !bytes.Equal(got, forged) {
		t.Fatalf("the forgery is none: %d bytes, %v", len(got), err)
	}

	var old []*nats.Msg // the answer to an earlier request for the same
	r.does(nil, func(_, m *nats.Msg, tell func(*nats.Msg)) {
		old = append(old, m)
		tell(m)
	})
	if _, err := trusting.Get(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	for what, attack := range map[string]struct {
		ask    func(*nats.Msg)
		answer func(question, m *nats.Msg, tell func(*nats.Msg))
	}{
		"other bytes of the same checksum, and the owner's signature": {nil, other()},
		"the same without a signature": {nil, func(_, m *nats.Msg, tell func(*nats.Msg)) {
			m.Header.Del(signature)
			tell(m)
		}},
		"an owner that is not asked to sign": {func(m *nats.Msg) { m.Header.Del("Framebuffer-Nonce") }, nil},
		"a signature by another key": {nil, func(_, m *nats.Msg, tell func(*nats.Msg)) {
			if m.Header.Get(signature) != "" {
				m.Header.Set(signature, stranger.Signature([]byte("anything")))
			}
			tell(m)
		}},
		"another key's signature by the owner's name": {nil, func(_, m *nats.Msg, tell func(*nats.Msg)) {
			if m.Header.Get(signature) != "" {
				_, text, _ := strings.Cut(stranger.Signature([]byte("anything")), " ")
				m.Header.Set(signature, public+" "+text)
			}
			tell(m)
		}},
		"nonsense for a signature": {nil, func(_, m *nats.Msg, tell func(*nats.Msg)) {
			if m.Header.Get(signature) != "" {
				m.Header.Set(signature, public+" AAAA")
			}
			tell(m)
		}},
		"an old answer": {nil, func() func(_, m *nats.Msg, tell func(*nats.Msg)) {
			told := false
			return func(_, _ *nats.Msg, tell func(*nats.Msg)) {
				for _, m := range old {
					if !told {
						tell(m)
					}
				}
				told = true
			}
		}()},
		"the same bytes at another offset": {func(m *nats.Msg) { m.Data = []byte(same.String()) }, nil},
		"the beginning of a larger frame": {func(m *nats.Msg) { m.Data = []byte(larger.String()) }, func(_, m *nats.Msg, tell func(*nats.Msg)) {
			if m.Header.Get(signature) != "" {
				m.Data = m.Data[:len(m.Data)-1]
			}
			tell(m)
		}},
		"a refusal": {nil, func(_, m *nats.Msg, tell func(*nats.Msg)) {
			tell(&nats.Msg{Header: nats.Header{"Nats-Service-Error-Code": {"UNTRUSTED"}, "Nats-Service-Error": {"framebuffer: no"}}})
		}},
	} {
		r.does(attack.ask, attack.answer)
		dst := natstest.Content(7, size)
		err := trusting.GetInto(t.Context(), dst, f)
		if !errors.Is(err, remote.ErrUntrusted) || errors.Is(err, framebuffer.ErrTimeout) || !bytes.Equal(dst, make([]byte, size)) {
			t.Errorf("%s: %v", what, err)
		}
	}
	w := trusting.Stats()
	r.does(nil, nil)
	if got, err := trusting.Get(t.Context(), f); err != nil || !bytes.Equal(got, natstest.Content(1, size)) || w.Resumed != 0 {
		t.Errorf("afterwards: %d bytes, %v, %+v", len(got), err, w)
	}
}
