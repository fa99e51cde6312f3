package service_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/collision"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/topic"
)

const frameHeader = "Framebuffer-Frame"

// A topic whose server signs is copied by mirrors that trust it, by way of a peer that reads all:
// every frame, those that every and rate leave, on demand, its end, and what comes after that.
func TestSignedMirror(t *testing.T) {
	const most = 90_000 // of several parts
	for name, c := range map[string]struct {
		opts  remote.MirrorOptions
		every uint64
	}{
		"all":       {remote.MirrorOptions{}, 1},
		"any":       {remote.MirrorOptions{From: remote.AnyHost}, 1},
		"every":     {remote.MirrorOptions{Every: 3}, 3},
		"rate":      {remote.MirrorOptions{Rate: 1e6}, 1},
		"on demand": {remote.MirrorOptions{OnDemand: true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRelay(t)
			path, public, _ := signingKey(t)
			o := natstest.StartOwnerAt(t, "signer", r.farURL, 8<<20, path)
			o.Do(natstest.Order{Topic: "cam"})
			c.opts.Topic, c.opts.Trust = "cam", []string{public}
			if c.opts.From == "" {
				c.opts.From = "signer"
			}
			m := startMirror(t, r.toURL, 8<<20, most, c.opts)
			m.runs(t, "")
			for i := range uint64(2) {
				o.Do(natstest.Order{Topic: "cam", Put: most, Count: 30, Seed: 30 * i, End: true})
				for range 30 / c.every {
					m.take(t, 0)
				}
				if next, err := m.sub.Next(natstest.Within(t)); !errors.Is(err, topic.ErrEnded) {
					t.Fatalf("%+v, %v", next, err)
				}
				m.reopens = true
			}
			m.counts(t, func(s remote.MirrorStats) bool {
				return s.Frames == 60/c.every && s.Lost+s.Refused == 0 && s.LeftOut == m.lost && s.Host == "signer"
			})
		})
	}
}

// Frames larger than the copy's ring are counted, and the next ones come.
func TestSignedFramesThatDoNotFit(t *testing.T) {
	url := natstest.OwnNATS(t)
	path, public, _ := signingKey(t)
	o := natstest.StartOwnerAt(t, "signer", url, 8<<20, path)
	o.Do(natstest.Order{Topic: "cam"})
	m := startMirror(t, url, 64<<10, 1, remote.MirrorOptions{Topic: "cam", Trust: []string{public}})
	m.runs(t, "")
	o.Do(natstest.Order{Topic: "cam", Put: 1 << 20, Count: 10, Seed: 10}) // sizeOf: of which most are larger
	large := uint64(0)
	for seed := range uint64(10) {
		if natstest.SizeOf(10+seed, 1<<20) > 60<<10 {
			large++
		}
	}
	m.counts(t, func(s remote.MirrorStats) bool { return s.Refused == large && s.Frames == 10-large && s.Lost == 0 })
}

// change is an attack by a peer in the middle on a topic's stream.
type change struct {
	ask    func(*nats.Msg)
	answer func(question, m *nats.Msg, tell func(*nats.Msg))
	came   uint64 // frames that come all the same
}

// toFrames applies a change to the frames of a stream.
func toFrames(f func(m *nats.Msg, tell func(*nats.Msg))) func(question, m *nats.Msg, tell func(*nats.Msg)) {
	return func(question, m *nats.Msg, tell func(*nats.Msg)) {
		if isMirror(question) && (m.Header.Get(frameHeader) != "" || m.Header.Get(signature) != "") {
			f(m, tell)
			return
		}
		tell(m)
	}
}

// rewritten changes what a frame's header says.
func rewritten(f func(h map[string]any)) func(question, m *nats.Msg, tell func(*nats.Msg)) {
	return toFrames(func(m *nats.Msg, tell func(*nats.Msg)) {
		h := map[string]any{}
		if json.Unmarshal([]byte(m.Header.Get(frameHeader)), &h) == nil {
			f(h)
			text, _ := json.Marshal(h) // of strings and numbers
			m.Header.Set(frameHeader, string(text))
		}
		tell(m)
	})
}

// What a peer in the middle makes of a topic's stream is refused: nothing of it is published, and
// it leaves no trace in what the mirror knows, so that all frames come once the peer is gone.
func TestForgedStreams(t *testing.T) {
	const size, count = 20_000, 5 // of one part
	path, public, _ := signingKey(t)
	otherPath, otherPublic, _ := signingKey(t)
	_, _, stranger := signingKey(t)
	for what, c := range map[string]change{
		"other bytes of the same checksum": {answer: toFrames(func(m *nats.Msg, tell func(*nats.Msg)) {
			if forged, err := collision.Of(m.Data, make([]byte, len(m.Data))); err == nil {
				m.Data = forged
			}
			tell(m)
		})},
		"no signature": {answer: toFrames(func(m *nats.Msg, tell func(*nats.Msg)) {
			m.Header.Del(signature)
			tell(m)
		})},
		"a signature by another key": {answer: toFrames(func(m *nats.Msg, tell func(*nats.Msg)) {
			m.Header.Set(signature, stranger.Signature([]byte("anything")))
			tell(m)
		})},
		"another number":  {answer: rewritten(func(h map[string]any) { h["sequence"] = 1 << 60 })},
		"another time":    {answer: rewritten(func(h map[string]any) { h["time"] = 1 })},
		"another ring":    {answer: rewritten(func(h map[string]any) { h["ring"] = "r" })},
		"other metadata":  {answer: rewritten(func(h map[string]any) { h["meta"] = map[string]any{"content_type": "text/html"} })},
		"a gap":           {answer: rewritten(func(h map[string]any) { h["before"] = 1000 })},
		"a size":          {answer: rewritten(func(h map[string]any) { h["size"] = 1 })},
		"no header of it": {answer: toFrames(func(m *nats.Msg, tell func(*nats.Msg)) { m.Header.Set(frameHeader, "{"); tell(m) })},
		"frames of another topic": {ask: func(m *nats.Msg) {
			m.Data = []byte(strings.Replace(string(m.Data), `"topic":"cam"`, `"topic":"other"`, 1))
		}},
		"older frames than wanted": {ask: func(m *nats.Msg) {
			m.Data = []byte(strings.Replace(string(m.Data), `"topic":"cam"`, `"topic":"cam","oldest":true`, 1))
		}},
		"a server not asked to sign": {ask: func(m *nats.Msg) {
			m.Data = []byte(strings.Replace(string(m.Data), `"nonce"`, `"x"`, 1))
		}},
		"another server that is trusted": {ask: func(m *nats.Msg) { m.Subject = "diverted" }},
		"the first frame once more": {came: 1, answer: func() func(question, m *nats.Msg, tell func(*nats.Msg)) {
			var first *nats.Msg
			return toFrames(func(m *nats.Msg, tell func(*nats.Msg)) {
				if first == nil {
					first = m
				} else {
					for _, h := range []string{frameHeader, signature} {
						m.Header.Set(h, first.Header.Get(h))
					}
					m.Data = first.Data
				}
				tell(m)
			})
		}()},
		"an end without a signature": {answer: func() func(question, m *nats.Msg, tell func(*nats.Msg)) {
			return toFrames(func(m *nats.Msg, tell func(*nats.Msg)) {
				m.Header.Del(frameHeader)
				m.Header.Del(signature)
				m.Header.Set("Framebuffer-End", "1")
				m.Data = nil
				tell(m)
			})
		}()},
	} {
		t.Run(what, func(t *testing.T) {
			r := newRelay(t)
			o := natstest.StartOwnerAt(t, "signer", r.farURL, 8<<20, path)
			second := natstest.StartOwnerAt(t, "second", r.farURL, 8<<20, otherPath)
			nc := natstest.Dial(t, service.Options{URL: r.farURL})
			all, err := remote.Hosts(natstest.Within(t), nc, "second")
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range []*natstest.Owner{o, second} {
				o.Do(natstest.Order{Topic: "cam"})
				o.Do(natstest.Order{Topic: "other"})
			}
			var gone atomic.Bool
			r.does(func(m *nats.Msg) {
				if c.ask == nil || !isMirror(m) || gone.Load() {
					return
				}
				if c.ask(m); m.Subject == "diverted" {
					m.Subject = "framebuffer." + all[0].ID + ".mirror"
				}
			}, c.answer)
			m := startMirror(t, r.toURL, 8<<20, size, remote.MirrorOptions{Topic: "cam", From: "signer", Trust: []string{public, otherPublic}})
			m.runs(t, "")
			publish := func(seed uint64) {
				for _, name := range []string{"cam", "other"} {
					o.Do(natstest.Order{Topic: name, Put: size, Count: count, Seed: seed})
					second.Do(natstest.Order{Topic: name, Put: size, Count: count, Seed: seed})
				}
			}
			publish(1)
			natstest.Eventually(t, "it is refused", func() error {
				if s := m.Stats(); s.Refused == 0 {
					return fmt.Errorf("%+v", s)
				}
				return nil
			})
			genuine := func() {
				t.Helper()
				got, err := m.sub.Next(natstest.Within(t))
				if err != nil || got.Sequence > 1<<20 || got.Meta.ContentType == "text/html" {
					t.Fatalf("%+v, %v", got, err)
				}
				seed := uint64(got.Time.Unix())
				if data, err := m.ring.Get(got.Frame); err != nil || !bytes.Equal(data, natstest.Content(seed, natstest.SizeOf(seed, size))) {
					t.Fatalf("number %d: %d bytes, %v", got.Sequence, len(data), err)
				}
			}
			for range c.came {
				genuine()
			}
			if got, ok, err := m.sub.TryNext(); ok || err != nil {
				t.Fatalf("published: %+v, %v", got, err)
			}
			refused := m.Stats()
			if refused.Frames != c.came {
				t.Fatalf("%+v", refused)
			}
			gone.Store(true)
			r.does(nil, nil)
			m.runs(t, "")
			natstest.Eventually(t, "frames come", func() error {
				publish(100*m.Stats().Frames + 100)
				if s := m.Stats(); s.Frames < c.came+2*count {
					return fmt.Errorf("%+v", s)
				}
				return nil
			})
			for range 2 * count {
				genuine()
			}
		})
	}
}

// Of any host's topic the one is followed whose server signs with a trusted key, though others say
// that theirs is newer.
func TestSignedMirrorOfAny(t *testing.T) {
	const most = 1000
	r := newRelay(t)
	path, public, _ := signingKey(t)
	strangers, _, _ := signingKey(t)
	o := natstest.StartOwnerAt(t, "signer", r.farURL, 1<<20, path)
	o.Do(natstest.Order{Topic: "cam", Put: most, Count: 3})
	for _, key := range []string{"", strangers} {
		liar := natstest.StartOwnerAt(t, "liar", r.farURL, 1<<20, key)
		liar.Do(natstest.Order{Topic: "cam", Put: most, Count: 3, Seed: uint64(time.Now().Unix()) / 2}) // newer
	}
	m := startMirror(t, r.toURL, 1<<20, most, remote.MirrorOptions{Topic: "cam", Trust: []string{public}})
	m.runs(t, "")
	if s := m.Stats(); s.Host != "signer" || s.Refused > 0 {
		t.Errorf("%+v", s)
	}
	// What a server answers is signed too: a peer cannot have it say that it is another, or where
	// the topic is.
	r.does(nil, func(q, m *nats.Msg, tell func(*nats.Msg)) {
		if !isMirror(q) {
			m.Data = []byte(strings.Replace(string(m.Data), `"host":"signer"`, `"host":"wanted"`, 1))
		}
		tell(m)
	})
	wanted := startMirror(t, r.toURL, 1<<20, most, remote.MirrorOptions{Topic: "cam", Trust: []string{public}})
	wanted.counts(t, func(s remote.MirrorStats) bool {
		return s.State == "looking" && s.Starts == 0 && strings.Contains(s.Why, remote.ErrUntrusted.Error())
	})
	// Nor is a question to one server answered by another that is trusted as well.
	r.does(func(m *nats.Msg) {
		m.Subject = strings.Replace(m.Subject, "framebuffer.at.wanted", "framebuffer.at.signer", 1)
	}, nil)
	other := startMirror(t, r.toURL, 1<<20, most, remote.MirrorOptions{Topic: "cam", From: "wanted", Trust: []string{public}})
	other.counts(t, func(s remote.MirrorStats) bool { return s.State == "looking" && s.Starts == 0 && s.Why != "" })

	if _, err := remote.NewMirror(natstest.Dial(t, service.Options{URL: r.toURL}), m.ring, &remote.MirrorOptions{Topic: "x", Trust: []string{"N"}}); !errors.Is(err, framebuffer.ErrBadKey) {
		t.Errorf("a mirror that trusts no key: %v", err)
	}
}
