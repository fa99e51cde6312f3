package main

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/collision"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// openNATS is one without logins or permissions, which whoever reaches it may use.
func openNATS(t testing.TB) string {
	t.Helper()
	ns, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	go ns.Start()
	if !ns.ReadyForConnections(30 * time.Second) {
		t.Fatal("NATS is not ready")
	}
	t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
	return ns.ClientURL()
}

// distant is a command that runs where the memory of others is out of its reach, and its own is out
// of theirs.
type distant struct {
	t   testing.TB
	pid int
}

func elsewhere(t testing.TB, says any, args ...string) distant {
	t.Helper()
	testproc.NeedRoot(t)
	cmd := announcingFrom(t, func(args ...string) *exec.Cmd {
		cmd := command(args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWIPC}
		return cmd
	}, says, args...)
	return distant{t, cmd.Process.Pid}
}

// run is runCommand where that command runs.
func (d distant) run(stdin string, args ...string) result {
	d.t.Helper()
	self, err := os.Executable()
	if err != nil {
		d.t.Fatal(err)
	}
	cmd := testproc.Command("nsenter", append([]string{"--ipc", "--target", strconv.Itoa(d.pid), self}, args...)...)
	cmd.Env = command().Env
	return resultOf(d.t, cmd, stdin)
}

// stop stops it, and returns when the kernel says that it has.
func (d distant) stop() {
	d.t.Helper()
	var info unix.Siginfo
	if err := errors.Join(syscall.Kill(d.pid, syscall.SIGSTOP), unix.Waitid(unix.P_PID, d.pid, &info, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)); err != nil {
		d.t.Fatal(err)
	}
}

// A peer answers for a server that hangs, on a NATS that lets it: with other bytes that have the
// frame's checksum. get returns them, and with --trust refuses them, and what the server itself
// sends it returns.
func TestTrust(t *testing.T) {
	url := openNATS(t)
	key := filepath.Join(t.TempDir(), "key")
	var s served
	server := elsewhere(t, &s, "serve", "--backend", "sysv", "--name", "test-signs-"+strconv.Itoa(os.Getpid()), "--size", "8MiB", "--host", "ha", "--nats", url, "--sign-key", key)
	if !strings.HasPrefix(s.SignsAs, "N") {
		t.Fatalf("%+v", s)
	}
	list := filepath.Join(t.TempDir(), "trusted")
	if err := os.WriteFile(list, []byte("# keys of cameras\n\n "+s.SignsAs+" # ha\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	original, wanted := make([]byte, 100_000), make([]byte, 100_000)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(original) // never fails
	_, _ = random.Read(wanted)
	forged, err := collision.Of(original, wanted)
	if err != nil {
		t.Fatal(err)
	}
	put := server.run(string(original), "put", "-", "--key", s.Key)
	f, err := framebuffer.ParseFrame([]byte(put.out))
	if err != nil || put.status != exitOK || framebuffer.ChecksumOf(forged) != f.Checksum {
		t.Fatalf("%v: %+v", err, put)
	}
	get := func(args ...string) result {
		t.Helper()
		return runCommand(t, put.out, append([]string{"get", "-", "--nats", url}, args...)...)
	}
	for _, trust := range [][]string{nil, {"--trust", s.SignsAs}, {"--trust", "@" + list}} {
		if r := get(trust...); r.status != exitOK || r.out != string(original) {
			t.Fatalf("%v: %d bytes, %d: %s", trust, len(r.out), r.status, r.err)
		}
	}
	other := filepath.Join(t.TempDir(), "other")
	_, o, _ := serving(t, "--size", "64KiB", "--sign-key", other)
	if r := get("--trust", o.SignsAs); r.status != exitFailed || r.out != "" || !strings.Contains(r.err, s.SignsAs) {
		t.Errorf("a server that is not trusted: %+v", r)
	}
	if r := runCommand(t, "", "hosts", "--nats", url); !strings.Contains(r.out, "SIGNS AS") || !strings.Contains(r.out, s.SignsAs) {
		t.Errorf("hosts: %+v", r)
	}

	// The server hangs, and a peer answers in its place.
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	reader := remote.NewReader(nc, nil)
	if _, err := reader.Get(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	subject := reader.Stats().Rings[0].Subject
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	server.stop()
	_, err = nc.Subscribe(subject, func(m *nats.Msg) {
		const part = 20_000
		for at := 0; at < len(forged); at += part {
			h := nats.Header{"Framebuffer-At": {strconv.Itoa(at)}, "Framebuffer-Heard": {"a.heard.nowhere"}}
			_ = nc.PublishMsg(&nats.Msg{Subject: m.Reply, Header: h, Data: forged[at:min(at+part, len(forged))]})
		}
	})
	if err := errors.Join(err, nc.Flush()); err != nil {
		t.Fatal(err)
	}
	if r := get(); r.status != exitOK || r.out != string(forged) {
		t.Errorf("the forgery is none: %d bytes, %d: %s", len(r.out), r.status, r.err)
	}
	file := filepath.Join(t.TempDir(), "frame")
	if r := get("--trust", s.SignsAs, "-o", file); r.status != exitFailed || r.out != "" || !strings.Contains(r.err, "not signed by a trusted server") {
		t.Errorf("%d bytes, %d: %s", len(r.out), r.status, r.err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a file: %v", err)
	}
}

// Topics are copied with --trust from the server that is meant, and not from one that says it is.
func TestMirrorTrust(t *testing.T) {
	url := openNATS(t)
	dir := t.TempDir()
	var a, liar served
	signer := elsewhere(t, &a, "serve", "--backend", "sysv", "--name", "test-signer-"+strconv.Itoa(os.Getpid()), "--size", "8MiB", "--host", "ha", "--nats", url, "--sign-key", filepath.Join(dir, "a"))
	other := elsewhere(t, &liar, "serve", "--backend", "sysv", "--name", "test-liar-"+strconv.Itoa(os.Getpid()), "--size", "8MiB", "--host", "ha", "--nats", url, "--sign-key", filepath.Join(dir, "liar"))
	if r := other.run("lie1lie2", "pub", "cam", "--key", liar.Key, "--frame-size", "4"); r.status != exitOK {
		t.Fatalf("%+v", r)
	}
	first, _, _ := serving(t, "--backend", "sysv", "--size", "8MiB", "--nats", url, "--host", "hb", "--mirror", "cam@ha", "--trust", a.SignsAs)
	second, _, _ := serving(t, "--backend", "sysv", "--size", "8MiB", "--nats", url, "--host", "hc")
	mirror := start(t, nil, "mirror", "cam", "--name", second, "--nats", url, "--trust", a.SignsAs)
	var subs []*running
	for _, name := range []string{first, second} {
		subs = append(subs, start(t, nil, "sub", "cam", "--name", name, "--nats", url, "--from", "oldest", "--timeout", "60s"))
	}
	if r := signer.run("one two ", "pub", "cam", "--key", a.Key, "--frame-size", "4", "--wait", "2"); r.status != exitOK {
		t.Fatalf("%+v", r)
	}
	for _, sub := range subs {
		if r := sub.end(t); r.status != exitOK || r.out != "one two " {
			t.Errorf("%+v", r)
		}
	}
	if err := mirror.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if r := mirror.end(t); r.status != exitOK {
		t.Errorf("%+v", r)
	}
}

// What is no key, or no list of keys, is said at once, also where no signature will be asked for: a
// list that lost its keys trusts nothing.
func TestTrustIsChecked(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, []byte("\n# none\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	name, s, _ := serving(t, "--size", "64KiB")
	put := runCommand(t, "near", "put", "-", "--key", s.Key)
	for _, trust := range []string{"N", "", "@" + empty, "@" + filepath.Join(dir, "missing"), "@" + dir} {
		for _, args := range [][]string{{"get", "-", "--name", name}, {"mirror", "cam", "--name", name}, {"serve", "--size", "64KiB", "--name", name + "b"}} {
			if r := runCommand(t, put.out, append(args, "--trust", trust)...); r.status != exitUsage || r.out != "" || r.err == "" {
				t.Errorf("%v --trust %q: %+v", args, trust, r)
			}
		}
	}
	readable := filepath.Join(dir, "readable")
	if err := os.WriteFile(readable, []byte("SN"), 0o644); err != nil { //nolint:gosec // that is the point
		t.Fatal(err)
	}
	if r := runCommand(t, "", "serve", "--size", "64KiB", "--name", name+"b", "--sign-key", readable); r.status != exitPermission || !strings.Contains(r.err, "chmod 600") {
		t.Errorf("%+v", r)
	}
}
