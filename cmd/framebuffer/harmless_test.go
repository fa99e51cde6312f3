package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/harmless"
	"github.com/core-framebuffer/framebuffer/topic"
)

// evil sets a terminal's title and colour, turns text around, and has what is not seen.
const evil = "\x1b]0;x\x07\x1b[31mé\u202e\u200b\u2028\u009b2J\u2066\ufeff"

// unharmed fails if what a command printed acts on a terminal. It returns whether evil was in it.
func unharmed(t *testing.T, what string, r result) (told bool) {
	t.Helper()
	for where, text := range map[string]string{"standard output": r.out, "standard error": r.err} {
		if got := harmless.Lines(text); got != text {
			t.Errorf("%s: raw on %s: %+q", what, where, text)
		}
	}
	return strings.Contains(r.out+r.err, `\u202e`)
}

// overNATS are commands that ask a NATS.
func overNATS(t *testing.T, url string) (all [][]string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "frame")
	if err := os.WriteFile(file, []byte("frame"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"key"}, {"allocate", "1"}, {"put", file}, {"sub", "cam", "--timeout", "1s"}, {"pub", "cam", "--frame-size", "5"}, {"stat"}, {"topics"}, {"hosts"}, {"hosts", "-t"},
		{"hosts", "x"}, {"mirror", "cam", "--from", "x"}, {"record", "cam", "--duration", "1s"}, {"replay", "cam"}, {"recordings"}, {"recordings", "--delete", "cam"}, {"check"},
		{"serve", "--size", "1MiB", "--name", "harmless-" + unusedName()},
	} {
		all = append(all, append(args, "--nats", url))
	}
	return all
}

func unusedName() string { return fmt.Sprint(time.Now().UnixNano()) }

// What a NATS server says of itself, and why it lets a client not in, acts on no terminal, in no command and no log.
func TestHostileNATSServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				name, _ := json.Marshal(evil) // always nil
				fmt.Fprintf(c, "INFO {\"server_id\":%s,\"server_name\":%s,\"version\":%s,\"max_payload\":1048576,\"headers\":true,\"proto\":1}\r\n", name, name, name)
				if _, err := bufio.NewReader(c).ReadString('\n'); err != nil { // CONNECT
					return
				}
				fmt.Fprintf(c, "-ERR '%s'\r\n", evil)
			}()
		}
	}()
	told := 0
	for _, args := range overNATS(t, "nats://"+l.Addr().String()) {
		for _, how := range [][]string{nil, {"--json"}, {"--log-format", "json"}, {"--log-level", "debug"}} {
			r := runCommand(t, "frame", append(how, args...)...)
			if r.status == exitOK {
				t.Errorf("%v: %+v", args, r)
			}
			if unharmed(t, fmt.Sprint(how, args), r) {
				told++
			}
		}
	}
	if told == 0 {
		t.Error("no command says what the server said")
	}
}

// What a peer answers in a server's place acts on no terminal: errors, names of hosts and topics, and what JetStream says.
func TestHostileNATSPeer(t *testing.T) {
	ns, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, NoLog: true, NoSigs: true, ServerName: "x" + evil})
	if err != nil {
		t.Fatal(err)
	}
	go ns.Start()
	defer func() { ns.Shutdown(); ns.WaitForShutdown() }()
	if !ns.ReadyForConnections(patience) {
		t.Fatal("NATS is not ready")
	}
	peer, err := nats.Connect(ns.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	answer := func(m *nats.Msg) {
		if m.Reply == "" {
			return
		}
		a := nats.NewMsg(m.Reply)
		a.Header.Set("Framebuffer-Id", evil)
		a.Header.Set("Nats-Service-Error-Code", evil)
		a.Header.Set("Nats-Service-Error", evil)
		_ = peer.PublishMsg(a)
	}
	about, err := json.Marshal(map[string]any{
		"host": "h" + evil, "name": "x" + evil, "id": "peer", "version": evil, "topics": []any{map[string]any{"name": "cam" + evil}},
		"mirrors": []any{map[string]any{"topic": "cam" + evil, "from": evil, "host": evil, "state": evil, "why": evil}}, "error": "",
	})
	if err != nil {
		t.Fatal(err)
	}
	jetstream, err := json.Marshal(map[string]any{"type": "io.nats.jetstream.api.v1.error" + evil, "error": map[string]any{"code": 500, "err_code": 10999, "description": evil}})
	if err != nil {
		t.Fatal(err)
	}
	tells := func(text []byte) func(*nats.Msg) {
		return func(m *nats.Msg) {
			a := nats.NewMsg(m.Reply)
			a.Data = text
			a.Header.Set("Framebuffer-Id", "id")
			if m.Reply != "" {
				_ = peer.PublishMsg(a)
			}
		}
	}
	server, err := framebuffer.NewServer(1<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	frame := framebuffer.Frame{Key: server.Key(), Offset: 64, Size: 5, Checksum: 1}.String()
	if err := server.Close(); err != nil { // so that the frame is asked for over NATS
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		answer func(*nats.Msg)
		args   [][]string
	}{
		"errors": {answer, [][]string{{"hosts"}, {"get", frame}, {"recordings"}, {"recordings", "--delete", "cam"}}},
		"data":   {tells(about), [][]string{{"hosts"}, {"hosts", "-t"}, {"hosts", "x"}}},
	} {
		var subs []*nats.Subscription
		for subject, f := range map[string]func(*nats.Msg){"framebuffer.>": c.answer, "$SRV.>": tells(about), "$JS.API.>": tells(jetstream)} {
			sub, err := peer.Subscribe(subject, f)
			if err != nil {
				t.Fatal(err)
			}
			subs = append(subs, sub)
		}
		if err := peer.Flush(); err != nil {
			t.Fatal(err)
		}
		for _, args := range c.args {
			for _, how := range [][]string{nil, {"--json"}} {
				all := append(append(how, args...), "--nats", ns.ClientURL())
				if r := runCommand(t, "", all...); !unharmed(t, fmt.Sprint(what, all), r) {
					t.Errorf("%s: %v does not say what the peer said: %+v", what, all, r)
				}
			}
		}
		for _, s := range subs {
			if err := s.Unsubscribe(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What other processes write into shared memory as names and metadata acts on no terminal.
func TestHostileNames(t *testing.T) {
	name, s, _ := serving(t, "--size", "1MiB")
	client, err := framebuffer.Attach(s.Key, &framebuffer.ClientOptions{Name: "c" + evil[:20]})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ended, err := topic.NewPublisher(client, "over")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"x", "\x1b[31m\u202e"} { // so that sub says that it changed
		if _, err := ended.Publish([]byte(evil), &topic.Meta{Width: 1, Height: 1, Format: text, ContentType: evil}); err != nil {
			t.Fatal(err)
		}
	}
	if err := ended.End(); err != nil {
		t.Fatal(err)
	}
	p, err := topic.NewPublisher(client, "cam")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Publish([]byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	sub, err := topic.Subscribe(client, "cam", &topic.SubscribeOptions{From: topic.FromOldest, Group: "g\u202e\u200b"})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	control := client.Segment().Control
	for i := range control.Topics() {
		if w := control.Topic(i); w.Name() == "cam" {
			w.SetName(evil)
		}
	}
	told := 0
	for _, args := range [][]string{
		{"stat", "--name", name}, {"stat", "--name", name, "--interval", "100ms"}, {"topics", "--name", name}, {"check", "--name", name}, {"doctor", s.Key}, {"hosts", "-t", "--name", name},
		{"sub", "over", "--from", "oldest", "--name", name}, {"sub", evil, "--timeout", "100ms", "--name", name}, {"key", "--name", evil}, {evil}, {"replay", evil, "--name", name},
		{"get", evil}, {"put", evil, "--name", name}, {"stat", "--nats", evil}, {"pub", evil, "--frame-size", "1", "--name", name}, {"--log-format", "json", "key", "--name", evil},
	} {
		for _, how := range [][]string{nil, {"--json"}} {
			r := runCommand(t, "frame", append(how, args...)...)
			if args[0] == "sub" && how == nil {
				r.out = "" // the frames' bytes, in a pipe
			}
			if unharmed(t, fmt.Sprint(how, args), r) {
				told++
			}
		}
	}
	if told < 20 {
		t.Errorf("only %d commands say what others wrote", told)
	}
}
