package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// apart makes a command of another network namespace, as a container has one: there no server is
// found by its name, and no abstract socket.
func apart(args ...string) *exec.Cmd {
	cmd := command(args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	return cmd
}

// A server and clients that share a directory and nothing else meet there by the server's name, in
// whatever order they start, and clients go on with the next server.
func TestMeetInADirectory(t *testing.T) {
	testproc.NeedRoot(t)
	dir := memoryDir(t)
	t.Setenv("FRAMEBUFFER_DIR", dir)
	name := "meet-" + filepath.Base(dir)
	sub := &running{Cmd: apart("sub", "cam", "--name", name, "--count", "2", "--from", "oldest")}
	sub.Stdout, sub.Stderr = &sub.out, &sub.err
	if err := sub.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sub.Process.Kill() })
	for i := range 2 {
		s, server := servingAs(t, name, "--size", "1MiB")
		file := filepath.Join(dir, name+".key")
		if st, err := os.Stat(file); err != nil || st.Mode() != 0o600 {
			t.Errorf("key file: %v, %v", st, err)
		}
		if r := resultOf(t, apart("key", "--name", name), ""); r.out != s.Key+"\n" {
			t.Errorf("key: %+v", r)
		}
		if r := resultOf(t, apart("pub", "cam", "--name", name, "--wait", "1", "--keep"), "frame"); r.status != exitOK {
			t.Errorf("pub: %+v", r)
		}
		put := resultOf(t, apart("put", "-", "--name", name), "a frame")
		if get := resultOf(t, apart("get", "-"), put.out); put.status != exitOK || get.out != "a frame" {
			t.Errorf("put: %+v, get: %+v", put, get)
		}
		if r := resultOf(t, apart("stat", "--name", name, "--interval", "0"), ""); r.status != exitOK || !strings.Contains(r.out, "sub cam") && i == 0 {
			t.Errorf("stat: %+v", r)
		}
		if i == 0 {
			soon(t, "the first frame arrives", func() bool {
				r := runHere(t, "", "topics", "--json", "--name", name)
				return strings.Contains(r.out, `"received":1`)
			})
			_ = server.Process.Kill()
			_ = server.Wait()
			continue
		}
		if r := sub.end(t); r.status != exitOK || r.out != "frameframe" {
			t.Errorf("sub: %+v", r)
		}
		_ = server.Process.Signal(syscall.SIGTERM)
		if err := server.Wait(); err != nil {
			t.Error(err)
		}
	}
	if left := names(t, dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A server does not take the place of another one of its name that runs, and goes on without.
func TestNameIsTakenInTheDirectory(t *testing.T) {
	testproc.NeedRoot(t)
	dir := memoryDir(t)
	t.Setenv("FRAMEBUFFER_DIR", dir)
	name, s, _ := serving(t, "--size", "1MiB")
	var other served
	announcingFrom(t, func(args ...string) *exec.Cmd {
		// Of a namespace with its loopback up: the server has NATS there.
		cmd := command()
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Args = append([]string{"unshare", "--net", "sh", "-c", `ip link set lo up && exec "$0" "$@"`, self}, args...)
		cmd.Path, cmd.Err = exec.LookPath("unshare")
		return cmd
	}, &other, "serve", "--name", name, "--size", "1MiB")
	key, err := readKey(filepath.Join(dir, name+".key"))
	if err != nil || key != s.Key || other.Key == s.Key {
		t.Errorf("%s, %v; the first's is %s", key, err, s.Key)
	}
}

// A directory that is not the server's to write to keeps it from nothing else.
func TestServeBesideADirectoryOfOthers(t *testing.T) {
	testproc.NeedRoot(t)
	dir := memoryDir(t)
	t.Setenv("FRAMEBUFFER_DIR", dir)
	key := filepath.Join(dir, "x.key")
	if err := os.Mkdir(key, 0o700); err != nil { // nothing can be written there
		t.Fatal(err)
	}
	var s served
	announcing(t, &s, "serve", "--name", "x", "--size", "1MiB")
	if st, err := os.Stat(key); err != nil || st.Mode()&fs.ModeDir == 0 || !attaches(t, s.Key) {
		t.Errorf("%v, %v", st, err)
	}
}

// A directory that other users may write to is no place to meet: one of them could put a key there.
func TestNoMeetingWhereOthersMayWrite(t *testing.T) {
	dir := memoryDir(t)
	t.Setenv("FRAMEBUFFER_DIR", dir)
	for _, mode := range []fs.FileMode{0o777, 0o777 | fs.ModeSticky, 0o775} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		if file := sharedKey("front"); file != "" {
			t.Errorf("mode %v: %s", mode, file)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // other users may look
		t.Fatal(err)
	}
	if file := sharedKey("front"); file != filepath.Join(dir, "front.key") {
		t.Error(file)
	}
	for _, name := range []string{"../front", "a/b", "", ".hidden", strings.Repeat("x", 65)} {
		if file := sharedKey(name); file != "" {
			t.Errorf("%q: %s", name, file)
		}
	}
}
