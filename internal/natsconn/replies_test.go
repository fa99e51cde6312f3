package natsconn

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

func repliesOf(t *testing.T, own string, more ...string) *Replies {
	t.Helper()
	r, err := NewReplies(own, more, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Answers go to inboxes, to those of configured prefixes, and to what NATS servers put in place of
// either; and nowhere else, whatever stands before it.
func TestAllowedReplies(t *testing.T) {
	r := repliesOf(t, "_INBOX_own", "_INBOX_alice", "people.bob-2")
	for _, subject := range []string{
		"_INBOX.x", "_INBOX.AAAAAAAAAAAAAAAAAAAAAA.BBBBBBBB", "_INBOX.alice.x", "_INBOX_own.x", "_INBOX_alice.x.y", "people.bob-2.x", "_INBOX.é",
		"_R_.H9Sk1d.Ab3dE6", "_R_.H9Sk1d.Ab3dE6.ABCDEFGH.T",
		"_GR_.abcdef.ghijkl._INBOX.x", "_GR_.abcdef.ghijkl._INBOX_alice.x", "_GR_.abcdef.ghijkl._R_.H9Sk1d.Ab3dE6",
	} {
		if !r.Allow(subject) {
			t.Errorf("%q is refused", subject)
		}
	}
	for _, subject := range []string{
		"", ".", "_INBOX", "_INBOX.", "_INBOX..x", "_INBOX.x.", "_INBOX.*", "_INBOX.>", "_INBOX.a*b", "_INBOX.a b", "_INBOX.a\tb", "_INBOX.a\r\nPUB x 0\r\n\r\n",
		"_INBOX.\x00", "_INBOX.\x7f", "_INBOX." + strings.Repeat("x", maxReply), "_inbox.x", "_INBOX_.x", "_INBOX_alice", "_INBOX_alicex.y", "_INBOX_mallory.x", "people.bob-2", "people.x",
		"x._INBOX.y", " _INBOX.x", ">", "*",
		"$JS.API.STREAM.DELETE.FRAMES_x", "$JS.API.STREAM.PURGE.x", "$JS.ACK.x.y.1.2.3.4.5", "$SYS.REQ.SERVER.PING", "$SRV.PING", "$KV.x.y", "$O.x", "$MQTT.x",
		"framebuffer.read.0123", "framebuffer.allocate", "framebuffer.ID.heard.x", "framebuffer.started", "framebuffer.stopped",
		"_R_", "_R_.x", "_R_.$JS.API", "_R_.x.", "_R_.a.b.c.d", "_R_.a.b.$JS.T", "_R_.a.>",
		"_GR_.abcdef.ghijkl.$JS.API.STREAM.DELETE.x", "_GR_.abcdef.ghijkl.framebuffer.allocate", "_GR_.abcdef.ghijkl.", "_GR_.abcdef.ghijkl", "_GR_.abcdef._INBOX.x", "_GR_._INBOX.x", "_GR_.a.b._INBOX.x",
		"_GR_.abcdef.ghijkl._GR_.abcdef.ghijkl.$JS.API.x", "_GR_.abcdef.ghijkl._GR_.abcdef.ghijkl._INBOX.x", "$GR.abcd._INBOX.x",
	} {
		if r.Allow(subject) {
			t.Errorf("%q is answered", subject)
		}
	}
}

// A prefix that leads to where servers or NATS listen is refused, wherever one is given.
func TestRefusedPrefixes(t *testing.T) {
	for _, p := range []string{
		"framebuffer", "framebuffer.read", "framebuffer-recordings", "_R_", "_R_.a", "_GR_", "_GR_.a.b", "$JS", "$JS.API", "$SYS", ">", "*", "a.*", "a.>", ".", "a.", ".a", "a..b", "a b", "é",
		strings.Repeat("x", maxReply),
	} {
		if _, err := NewReplies("", []string{p}, nil); err == nil {
			t.Errorf("%q is taken", p)
		}
		if _, err := NewReplies(p, nil, nil); err == nil {
			t.Errorf("%q is taken for the own inboxes", p)
		}
		if err := CheckInboxPrefix(p); err == nil {
			t.Errorf("%q is taken for a client's", p)
		}
	}
}

// A program that requests without end fills no log, and what it names breaks no line of it.
func TestIgnoredRequestsAreToldOnce(t *testing.T) {
	var text strings.Builder
	r, err := NewReplies("", nil, slog.New(slog.NewTextHandler(&text, nil)))
	if err != nil {
		t.Fatal(err)
	}
	do := r.Only(func(m *nats.Msg) { t.Errorf("%q is answered", m.Reply) })
	for range 1000 {
		do(&nats.Msg{Subject: "framebuffer.get_key", Reply: "else\x1b[2Jwhere\n" + strings.Repeat("x", 1<<20)})
	}
	if n := strings.Count(text.String(), "\n"); n != 1 || text.Len() > 1<<10 || strings.Contains(text.String(), "\x1b") {
		t.Errorf("%d lines of %d bytes: %.200q", n, text.Len(), text.String())
	}
	if r.ignored != 1000 {
		t.Errorf("%d are counted", r.ignored)
	}
}

// A requester is an account, a configured prefix or the token of an inbox; what a client writes into
// the header of a NATS server changes nothing.
func TestRequesters(t *testing.T) {
	r := repliesOf(t, "", "people.bob")
	of := func(reply, info string) string {
		m := nats.NewMsg("x")
		m.Reply = reply
		if info != "" {
			m.Header.Set(requestInfo, info)
		}
		return r.Requester(m)
	}
	for _, same := range [][2]string{
		{of("_INBOX.alice.1", ""), of("_INBOX.alice.2.3", `{"acc":"x"}`)},
		{of("_INBOX.alice.1", ""), of("_GR_.abcdef.ghijkl._INBOX.alice.4", "")},
		{of("people.bob.1", ""), of("people.bob.2", "")},
		{of("_R_.a.b", `{"acc":"guests"}`), of("_R_.c.d", `{"acc":"guests","rtt":5}`)},
		{of("_R_.a.b", ""), of("_R_.c.d", "nonsense")},
	} {
		if same[0] != same[1] {
			t.Errorf("%q and %q", same[0], same[1])
		}
	}
	for _, other := range [][2]string{
		{of("_INBOX.alice.1", ""), of("_INBOX.bob.1", "")},
		{of("_INBOX.bob.1", ""), of("people.bob.1", "")},
		{of("_R_.a.b", `{"acc":"guests"}`), of("_R_.a.b", `{"acc":"others"}`)},
		{of("_R_.a.b", `{"acc":"guests","user":"a"}`), of("_R_.a.b", `{"acc":"guests","user":"b"}`)},
		{of("_INBOX.a.b", `{"acc":"guests"}`), of("_R_.a.b", `{"acc":"guests"}`)},
	} {
		if other[0] == other[1] {
			t.Errorf("both %q", other[0])
		}
	}
}
