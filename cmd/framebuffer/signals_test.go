package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// endings are what asks a command to end.
var endings = []syscall.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT}

// soon waits until something holds that another process does in its own time.
func soon(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// byShell has a shell start the command, which is $0, with its arguments, which are $@.
func byShell(t testing.TB, script string) func(args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return func(args ...string) *exec.Cmd {
		cmd := command(args...)
		cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", script, self}, args...)
		return cmd
	}
}

// clients counts those that are attached to a server's ring.
func clients(t testing.TB, name string) int {
	t.Helper()
	r := runHere(t, "", "stat", "--json", "--interval", "0", "--name", name)
	var s struct{ Clients []struct{} }
	if err := json.Unmarshal([]byte(r.out), &s); err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	return len(s.Clients)
}

// Each of the signals ends a server in order: the topics' subscribers are told, and neither a
// socket, nor a file, nor the key file is left. What comes behind the first signal changes nothing.
func TestSignalsEndServe(t *testing.T) {
	for backend, sig := range map[string][]syscall.Signal{
		"memfd": endings,
		"file":  {unix.SIGHUP, unix.SIGQUIT},
		"sysv":  {unix.SIGHUP, unix.SIGQUIT},
	} {
		for _, sig := range sig {
			for _, behind := range []syscall.Signal{0, unix.SIGHUP} {
				dir := memoryDir(t)
				key := filepath.Join(t.TempDir(), "key")
				flags := []string{"--size", "64KiB", "--backend", backend, "--key-file", key}
				if backend != "sysv" {
					flags = append(flags, "--dir", dir)
				}
				name, s, server := serving(t, flags...)
				sub := start(t, nil, "sub", "x", "--key", s.Key)
				await(t, name, `"pid":`)
				for _, one := range []syscall.Signal{sig, behind, behind} {
					_ = server.Process.Signal(one)
				}
				if err := server.Wait(); err != nil {
					t.Errorf("%s, after %v and %v: %v", backend, sig, behind, err)
				}
				if left := names(t, dir); len(left) > 0 {
					t.Errorf("%s, after %v: left %v", backend, sig, left)
				}
				if _, err := os.Stat(key); !os.IsNotExist(err) {
					t.Errorf("%s, after %v: the key file is left: %v", backend, sig, err)
				}
				if r := sub.end(t); r.status != exitNoServer || !strings.Contains(r.err, "closed") {
					t.Errorf("%s, sub after its server's end by %v: %+v", backend, sig, r)
				}
			}
		}
	}
}

// Each of the signals ends what goes on until then, with the same status.
func TestSignalsEndClients(t *testing.T) {
	name, _, _ := serving(t, "--size", "1MiB", "--jetstream", t.TempDir())
	held, holds, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	defer holds.Close()
	for _, sig := range endings {
		for what, args := range map[string][]string{
			"sub":    {"sub", "cam"},
			"pub":    {"pub", "other", "--frame-size", "10"},
			"record": {"record", "cam", "--recording", "r-" + sig.String()[:4]},
			"mirror": {"mirror", "far", "--from", "any"},
		} {
			args[len(args)-1] = strings.ReplaceAll(args[len(args)-1], " ", "")
			was := clients(t, name)
			r := start(t, held, append(args, "--name", name)...)
			soon(t, what+" attaches", func() bool { return clients(t, name) > was })
			if err := r.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if got := r.end(t); got.status != exitOK || strings.Contains(got.err, "goroutine") {
				t.Errorf("%s after %v: %+v", what, sig, got)
			}
		}
		stat := command("stat", "--watch", "--interval", "100ms", "--json", "--name", name)
		figures := outputOf(t, stat)
		if _, err := figures.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		_ = stat.Process.Signal(sig)
		_, _ = io.Copy(io.Discard, figures)
		if err := stat.Wait(); err != nil {
			t.Errorf("stat --watch after %v: %v", sig, err)
		}
	}
}

// Who was started with SIGHUP ignored, as by nohup, goes on after one.
func TestNohup(t *testing.T) {
	var s served
	server := announcingFrom(t, byShell(t, `trap "" HUP; exec "$0" "$@"`), &s, "serve", "--name", "nohup-"+rand.Text(), "--size", "64KiB")
	if err := server.Process.Signal(unix.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for range 3 { // a server that was ended would have closed the segment by one of them
		if r := runCommand(t, "x", "put", "-", "--key", s.Key); r.status != exitOK {
			t.Fatalf("after SIGHUP: %+v", r)
		}
	}
	if err := server.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

// A server outlives the reader of its log, and leaves nothing when it ends then.
func TestBrokenLog(t *testing.T) {
	dir := memoryDir(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var s served
	server := announcingFrom(t, func(args ...string) *exec.Cmd {
		cmd := byShell(t, `exec "$0" "$@" 2>&3`)(args...)
		cmd.ExtraFiles = []*os.File{write}
		return cmd
	}, &s, "--log-level", "DEBUG", "serve", "--name", "broken-log-"+rand.Text(), "--size", "64KiB", "--backend", "memfd", "--dir", dir)
	_ = write.Close()
	_ = read.Close()
	if err := server.Process.Signal(unix.SIGTERM); err != nil { // it logs that it stops
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("a server without a reader of its log: %v", err)
	}
	if left := names(t, dir); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// A command whose output is not read any more ends as by SIGPIPE, without a word.
func TestBrokenOutput(t *testing.T) {
	name, _, _ := serving(t, "--size", "64KiB")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaint bytes.Buffer
	stat := command("stat", "--watch", "--interval", "50ms", "--name", name)
	stat.Stdout, stat.Stderr = write, &complaint
	if err := stat.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	if _, err := read.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	_ = read.Close()
	_ = stat.Wait()
	ended, _ := stat.ProcessState.Sys().(syscall.WaitStatus)
	if !ended.Signaled() || ended.Signal() != unix.SIGPIPE || complaint.Len() > 0 {
		t.Errorf("stat, whose reader is gone: %v, %s", stat.ProcessState, &complaint)
	}
}

// A terminal that is closed ends what runs in it, in order: who draws on it by what writing says,
// and a server, which does not write, by SIGHUP.
func TestClosedTerminal(t *testing.T) {
	name, _, _ := serving(t, "--size", "64KiB")
	closed := func(line, shows string, environ ...string) {
		t.Helper()
		term := inTerminal(t, environ...)
		term.run(line)
		term.shows(shows)
		term.tmux("new-window", "-d") // so that the terminals' server goes on
		term.tmux("kill-window", "-t", ":0")
	}
	for what, line := range map[string]string{
		"top":  "$FB top --name " + name,
		"stat": "$FB stat -w --interval 50ms --name " + name,
	} {
		ended := filepath.Join(t.TempDir(), "status")
		// The shell stays, and so the command gets no signal.
		closed("set +m; trap : HUP; "+line+"; echo $? >"+ended+".new; mv "+ended+".new "+ended, "horizon")
		soon(t, what+" ends", func() bool { _, err := os.Stat(ended); return err == nil })
		if status, err := os.ReadFile(ended); err != nil || string(status) != "0\n" {
			t.Errorf("%s in a terminal that was closed: status %q, %v", what, status, err)
		}
	}
	dir := memoryDir(t)
	closed("exec $FB serve --size 64KiB --backend memfd --dir $DIR --key-file $DIR/key --name t-"+name, "Ctrl-C", "DIR="+dir)
	soon(t, "serve ends and leaves nothing", func() bool { return len(names(t, dir)) == 0 })
}
