package service

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/nats-io/nats.go"
)

func repliesOf(t *testing.T, cfg Config) *replies {
	t.Helper()
	r, err := newReplies(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Answers go to inboxes, to those of configured prefixes, and to what NATS servers put in place of
// either; and nowhere else, whatever stands before it.
func TestAllowedReplies(t *testing.T) {
	r := repliesOf(t, Config{InboxPrefix: "_INBOX_own", AskerInboxes: []string{"_INBOX_alice", "people.bob-2"}})
	for _, subject := range []string{
		"_INBOX.x", "_INBOX.AAAAAAAAAAAAAAAAAAAAAA.BBBBBBBB", "_INBOX.alice.x", "_INBOX_own.x", "_INBOX_alice.x.y", "people.bob-2.x", "_INBOX.é",
		"_R_.H9Sk1d.Ab3dE6", "_R_.H9Sk1d.Ab3dE6.ABCDEFGH.T",
		"_GR_.abcdef.ghijkl._INBOX.x", "_GR_.abcdef.ghijkl._INBOX_alice.x", "_GR_.abcdef.ghijkl._R_.H9Sk1d.Ab3dE6",
	} {
		if !r.allow(subject) {
			t.Errorf("%q is refused", subject)
		}
	}
	for _, subject := range []string{
		"", ".", "_INBOX", "_INBOX.", "_INBOX..x", "_INBOX.x.", "_INBOX.*", "_INBOX.>", "_INBOX.a*b", "_INBOX.a b", "_INBOX.a\tb", "_INBOX.a\r\nPUB x 0\r\n\r\n",
		"_INBOX.\x00", "_INBOX.\x7f", "_INBOX." + strings.Repeat("x", longestReply), "_inbox.x", "_INBOX_.x", "_INBOX_alice", "_INBOX_alicex.y", "_INBOX_mallory.x", "people.bob-2", "people.x",
		"x._INBOX.y", " _INBOX.x", ">", "*",
		"$JS.API.STREAM.DELETE.FRAMES_x", "$JS.API.STREAM.PURGE.x", "$JS.ACK.x.y.1.2.3.4.5", "$SYS.REQ.SERVER.PING", "$SRV.PING", "$KV.x.y", "$O.x", "$MQTT.x",
		"framebuffer.read.0123", "framebuffer.allocate", "framebuffer.ID.heard.x", "framebuffer.started", "framebuffer.stopped",
		"_R_", "_R_.x", "_R_.$JS.API", "_R_.x.", "_R_.a.b.c.d", "_R_.a.b.$JS.T", "_R_.a.>",
		"_GR_.abcdef.ghijkl.$JS.API.STREAM.DELETE.x", "_GR_.abcdef.ghijkl.framebuffer.allocate", "_GR_.abcdef.ghijkl.", "_GR_.abcdef.ghijkl", "_GR_.abcdef._INBOX.x", "_GR_._INBOX.x", "_GR_.a.b._INBOX.x",
		"_GR_.abcdef.ghijkl._GR_.abcdef.ghijkl.$JS.API.x", "_GR_.abcdef.ghijkl._GR_.abcdef.ghijkl._INBOX.x", "$GR.abcd._INBOX.x",
	} {
		if r.allow(subject) {
			t.Errorf("%q is answered", subject)
		}
	}
}

// A prefix that leads to where servers or NATS listen is refused, wherever one is given.
func TestRefusedPrefixes(t *testing.T) {
	for _, p := range []string{
		"framebuffer", "framebuffer.read", "framebuffer-recordings", "_R_", "_R_.a", "_GR_", "_GR_.a.b", "$JS", "$JS.API", "$SYS", ">", "*", "a.*", "a.>", ".", "a.", ".a", "a..b", "a b", "é",
		strings.Repeat("x", longestReply),
	} {
		if _, err := newReplies(Config{AskerInboxes: []string{p}}, nil); err == nil {
			t.Errorf("%q is taken", p)
		}
		if _, err := newReplies(Config{InboxPrefix: p}, nil); err == nil {
			t.Errorf("%q is taken for the own inboxes", p)
		}
		if err := checkOwnInbox(p); err == nil {
			t.Errorf("%q is taken for a client's", p)
		}
	}
}

// A stranger that asks without end fills no log, and what it names breaks no line of it.
func TestIgnoredRequestsAreToldOnce(t *testing.T) {
	var text strings.Builder
	r, err := newReplies(Config{}, slog.New(slog.NewTextHandler(&text, nil)))
	if err != nil {
		t.Fatal(err)
	}
	do := r.only(func(m *nats.Msg) { t.Errorf("%q is answered", m.Reply) })
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

// An asker is an account, a configured prefix or the token of an inbox; what a client writes into
// the header of a NATS server changes nothing.
func TestAskers(t *testing.T) {
	r := repliesOf(t, Config{AskerInboxes: []string{"people.bob"}})
	of := func(reply, info string) string {
		m := nats.NewMsg("x")
		m.Reply = reply
		if info != "" {
			m.Header.Set(clientInfo, info)
		}
		return r.asker(m)
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

// One asker leaves room for others, and all together have no more than there is.
func TestRoom(t *testing.T) {
	r := newRoom("things", 8)
	var leave []func()
	fill := func(asker string, n int) {
		t.Helper()
		for range n {
			l, err := r.take(asker)
			if err != nil {
				t.Fatal(err)
			}
			leave = append(leave, l)
		}
	}
	full := func(asker string) {
		t.Helper()
		if _, err := r.take(asker); !errors.Is(err, ErrBusy) || wire.CodeOf(err) != "BUSY" {
			t.Errorf("%s: %v", asker, err)
		}
	}
	fill("a", 2)
	full("a")
	for i := range 3 {
		fill(strconv.Itoa(i), 2)
	}
	full("b")
	for _, l := range leave {
		l()
	}
	if len(r.by) != 0 || r.all != 0 {
		t.Errorf("%d, %v are left", r.all, r.by)
	}
	fill("a", 2)
}

// Even if each stream took a thread, they would leave most of those that the process may have.
func TestMostMirrors(t *testing.T) {
	group := func(most string) fs.FS {
		return fstest.MapFS{
			"proc/self/cgroup":                {Data: []byte("0::/a\n")},
			"sys/fs/cgroup/a/pids.max":        {Data: []byte(most + "\n")},
			"sys/fs/cgroup/a/pids.current":    {Data: []byte("7\n")},
			"sys/fs/cgroup/a/memory.max":      {Data: []byte("5\n")},
			"sys/fs/cgroup/pids.max":          {Data: []byte("max\n")},
			"sys/fs/cgroup/a/unrelated.limit": {Data: []byte("1\n")},
		}
	}
	for most, want := range map[string]int{"2048": 512, "100": 25, "10": leastMirrors} {
		if got := mostMirrors(group(most)); got != want {
			t.Errorf("pids.max %s: %d streams", most, got)
		}
	}
	for _, root := range []fs.FS{group("max"), group("9223372036854775807"), fstest.MapFS{}, os.DirFS("/")} {
		if got := mostMirrors(root); got > maxMirrors || got < leastMirrors {
			t.Errorf("%d streams", got)
		}
	}
}
