package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// twoHosts are a server on host ha and one on host hb, that share a NATS. The memory of the first is
// out of reach of others, as that of another machine is.
func twoHosts(t *testing.T, second ...string) (a, b string, enter func(args ...string) *exec.Cmd) {
	t.Helper()
	a, b, enter, _, _ = twoHostsAt(t, second...)
	return a, b, enter
}

// twoHostsAt is twoHosts that also says where their NATS is, and which process the second one is.
func twoHostsAt(t *testing.T, second ...string) (a, b string, enter func(args ...string) *exec.Cmd, nats string, server *exec.Cmd) {
	t.Helper()
	testproc.NeedRoot(t)
	conf := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(conf, []byte(`listen: "127.0.0.1:-1", authorization { user: framebuffer, password: "a b" }`), 0o600); err != nil {
		t.Fatal(err)
	}
	a, b = "test-a-"+strconv.Itoa(os.Getpid()), "test-b-"+strconv.Itoa(os.Getpid())
	var s served
	first := announcingFrom(t, func(args ...string) *exec.Cmd {
		cmd := command(args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWIPC}
		return cmd
	}, &s, "serve", "--backend", "sysv", "--name", a, "--size", "8MiB", "--host", "ha", "--nats-config", conf)
	at, err := url.Parse(s.NATS)
	if err != nil {
		t.Fatal(err)
	}
	at.User = url.UserPassword("framebuffer", "a b")
	_, server = servingAs(t, b, append([]string{"--backend", "sysv", "--size", "8MiB", "--host", "hb", "--nats", at.String()}, second...)...)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	pid := strconv.Itoa(first.Process.Pid)
	return a, b, func(args ...string) *exec.Cmd {
		cmd := testproc.Command("nsenter", append([]string{"--ipc", "--target", pid, self}, args...)...)
		cmd.Env = command().Env
		return cmd
	}, at.String(), server
}

// The command mirror copies what its flags say, and says at its end what came.
func TestMirrorCommand(t *testing.T) {
	const frames, size = 20, 1000
	a, b, enter := twoHosts(t)
	var input bytes.Buffer
	for i := range frames {
		fmt.Fprintf(&input, "%*d", size, i)
	}
	for i, c := range []struct {
		flags []string
		every int // the frames that come, or 0: the first
		left  uint64
	}{
		{[]string{"--from", "ha"}, 1, 0},
		{[]string{"--from", a, "--window", "64KiB"}, 1, 0},
		{nil, 1, 0}, // any
		{[]string{"--every", "5"}, 5, 12},
		{[]string{"--rate", "0.001"}, 0, 0},
		{[]string{"--on-demand", "--from", "ha"}, 1, 0},
	} {
		t.Run(strings.Join(c.flags, " "), func(t *testing.T) {
			name := "cam/" + strconv.Itoa(i)
			mirror := start(t, nil, append([]string{"mirror", name, "--name", b, "--json"}, c.flags...)...)
			sub := start(t, nil, "sub", name, "--name", b, "--from", "oldest", "--timeout", "60s")
			if r := resultOf(t, enter("pub", name, "--name", a, "--frame-size", strconv.Itoa(size), "--wait", "1"), input.String()); r.status != exitOK {
				t.Fatalf("%+v", r)
			}
			var want []byte
			for n := range frames {
				if c.every > 0 && n%c.every == 0 || n == 0 {
					want = append(want, input.Bytes()[n*size:(n+1)*size]...)
				}
			}
			if r := sub.end(t); r.status != exitOK || r.out != string(want) {
				t.Errorf("%d bytes of %d, status %d: %s", len(r.out), len(want), r.status, r.err)
			}
			if err := mirror.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			r := mirror.end(t)
			var s remote.MirrorStats
			if err := json.Unmarshal([]byte(r.out), &s); err != nil || r.status != exitOK {
				t.Fatalf("%v: %+v", err, r)
			}
			if s.Host != "ha" || s.Topic != name || s.Frames != uint64(len(want)/size) || s.Lost+s.Refused != 0 || s.LeftOut != c.left || s.Starts < 1 {
				t.Errorf("%+v", s)
			}
		})
	}
	// What it cannot copy, or into, it says at once.
	for want, args := range map[int][]string{
		exitUsage:    {"--name", b, "--every", "-1"},
		exitNoServer: {"--name", b + "y"},
	} {
		if r := runCommand(t, "", append([]string{"mirror", "cam"}, args...)...); r.status != want || r.err == "" {
			t.Errorf("%v: %+v", args, r)
		}
	}
	if r := runCommand(t, "", "mirror", "cam", "--name", b, "--from", "a b"); r.status != exitUsage {
		t.Errorf("%+v", r)
	}
}

// A frame of another host is read by its descriptor, and stat of this one says which way it came, and why.
func TestGetFromAnotherHost(t *testing.T) {
	a, b, enter := twoHosts(t)
	put := resultOf(t, enter("put", "-", "--name", a), "far away")
	if put.status != exitOK {
		t.Fatalf("%+v", put)
	}
	for range 2 {
		if r := runCommand(t, put.out, "get", "-", "--name", b); r.out != "far away" || r.status != exitOK {
			t.Errorf("%+v", r)
		}
	}
	if r := runCommand(t, strings.Replace(put.out, `"size":8`, `"size":7`, 1), "get", "-", "--name", b); r.status != exitTimeout {
		t.Errorf("other bytes: %+v", r)
	}
	r := runCommand(t, "", "stat", "--name", b, "--interval", "0")
	if want := "  over NATS: 2 frames of 16 B, 1 lost; their rings are not on this host\n"; !strings.Contains(r.out, want) { // of those that have left
		t.Errorf("no %q in\n%s%s", want, r.out, r.err)
	}
	if r := resultOf(t, enter("stat", "--name", a, "--interval", "0"), ""); !regexp.MustCompile(`\nhosts +\d+ client .* 2 +16 B`).MatchString(r.out) || r.status != exitOK {
		t.Errorf("the other host's:\n%s%s", r.out, r.err)
	}
	if r := runCommand(t, "", "hosts", "ha", "--name", b); !strings.Contains(r.out, a) || strings.Contains(r.out, b) {
		t.Errorf("%+v", r)
	}
}

// serve takes the same options behind the host's name.
func TestMirrorsOfServe(t *testing.T) {
	for text, want := range map[string]remote.MirrorOptions{
		"cam":                                    {Topic: "cam", From: "any"},
		"cam@hostA":                              {Topic: "cam", From: "hostA"},
		"a@b@hostA":                              {Topic: "a@b", From: "hostA"},
		"a,b=1@hostA,every=5":                    {Topic: "a,b=1", From: "hostA", Every: 5},
		"cam@any,rate=0.5,window=1MiB,on-demand": {Topic: "cam", From: "any", Rate: 0.5, Window: 1 << 20, OnDemand: true},
	} {
		if got, err := parseMirror(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"cam@a,every", "cam@a,every=x", "cam@a,rate=", "cam@a,window=x", "cam@a,", "cam@a,often", "cam@a,on-demand=no"} {
		if r := runHere(t, "", "serve", "--name", "test-mirrors", "--size", "64KiB", "--mirror", text); r.status != exitUsage || !strings.Contains(r.err, text) || !strings.Contains(r.err, "every=N") {
			t.Errorf("%s: %+v", text, r)
		}
	}
	// And does by them: every fifth frame comes.
	a, b, enter := twoHosts(t, "--mirror", "cam@ha,every=5")
	sub := start(t, nil, "sub", "cam", "--name", b, "--from", "oldest", "--timeout", "60s")
	if r := resultOf(t, enter("pub", "cam", "--name", a, "--frame-size", "1", "--wait", "1"), "0123456789"); r.status != exitOK {
		t.Fatalf("%+v", r)
	}
	if r := sub.end(t); r.status != exitOK || r.out != "05" {
		t.Errorf("%+v", r)
	}
}

// A mirror that is killed loses what comes until there is another: numbers go on, nothing comes twice, and each
// frame is what was written.
func TestMirrorCommandIsKilled(t *testing.T) {
	const size = 1000
	a, b, enter := twoHosts(t)
	in, fill := io.Pipe()
	go func() {
		for i := 0; ; i++ {
			if _, err := fmt.Fprintf(fill, "%*d", size, i); err != nil {
				return // the test is over
			}
		}
	}()
	pub := enter("pub", "cam", "--name", a, "--frame-size", strconv.Itoa(size), "--rate", "500")
	pub.Stdin, pub.Stderr = in, os.Stderr
	if err := pub.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = pub.Process.Kill()
		_ = fill.Close()
		_ = pub.Wait() // it was killed
	})
	out := piped(t, "sub", "cam", "--name", b)
	last, missing, frame := -1, 0, make([]byte, size)
	for again := range 3 {
		mirror := start(t, nil, "mirror", "cam", "--name", b, "--from", "ha")
		for range 100 {
			if _, err := io.ReadFull(out, frame); err != nil {
				t.Fatal(err)
			}
			n, err := strconv.Atoi(strings.TrimLeft(string(frame), " "))
			if err != nil || n <= last {
				t.Fatalf("after frame %d: %.1010q", last, frame)
			}
			if again > 0 {
				missing += n - last - 1
			}
			last = n
		}
		if err := mirror.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = mirror.Wait() // it was killed
	}
	if missing == 0 { // a process takes longer to start than a frame to come
		t.Error("nothing was lost while there was no mirror")
	}
}
