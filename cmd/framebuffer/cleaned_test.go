package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// servingWithLog starts a server whose log is kept.
func servingWithLog(t testing.TB, flags ...string) (s served, cmd *exec.Cmd, log *heard) {
	t.Helper()
	log = &heard{more: make(chan struct{}, 1)}
	name := fmt.Sprintf("cleaned-%d", time.Now().UnixNano())
	// A shell's standard error is the log: outputOf sets the command's own.
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 4096)
		for {
			n, err := read.Read(buf)
			_, _ = log.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = write.Close()
		<-done
		_ = read.Close()
	})
	cmd = announcingFrom(t, func(args ...string) *exec.Cmd {
		c := byShell(t, `exec "$0" "$@" 2>&3`)(args...)
		c.ExtraFiles = []*os.File{write}
		return c
	}, &s, append([]string{"serve", "--name", name, "--size", "64KiB"}, flags...)...)
	return s, cmd, log
}

// attaches reports whether a new client gets in.
func attaches(t testing.TB, key string) bool {
	t.Helper()
	return runHere(t, "x", "put", "-", "--key", key).status == exitOK
}

// A socket that was removed under its server, with its directory or alone, is there again: the
// same key works, for as often as it happens, and nothing is left in the end.
func TestRemovedSocketComesBack(t *testing.T) {
	dir := filepath.Join(memoryDir(t), "sockets")
	s, cmd, log := servingWithLog(t, "--backend", "memfd", "--dir", dir)
	socket := filepath.Join(dir, names(t, dir)[0])
	for what, remove := range map[string]func() error{
		"the socket":    func() error { return os.Remove(socket) },
		"the directory": func() error { return os.RemoveAll(dir) },
		"its name":      func() error { return os.Rename(socket, socket+".old") },
	} {
		if err := remove(); err != nil {
			t.Fatal(err)
		}
		soon(t, "after "+what+" was removed, it is there again", func() bool { _, err := os.Lstat(socket); return err == nil })
		if !attaches(t, s.Key) {
			t.Errorf("after %s was removed, and made again, no client gets in", what)
		}
	}
	log.await(t, "there again")
	if r := runHere(t, "", "doctor", s.Key); r.status != exitOK || !strings.Contains(r.out, "ok    attach") {
		t.Errorf("doctor: %+v", r)
	}
	_ = cmd.Process.Signal(unix.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	for _, left := range names(t, dir) {
		if !strings.HasSuffix(left, ".old") {
			t.Errorf("left %s", left)
		}
	}
}

// What another process put in the place of a socket stays, and the log tells of it.
func TestRemovedSocketThatIsTaken(t *testing.T) {
	dir := memoryDir(t)
	_, cmd, log := servingWithLog(t, "--backend", "memfd", "--dir", dir)
	socket := filepath.Join(dir, names(t, dir)[0])
	other := filepath.Join(dir, "other")
	l, err := net.Listen("unix", other)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Rename(other, socket); err != nil { // in one step: the server has no chance in between
		t.Fatal(err)
	}
	theirs, err := os.Lstat(socket)
	if err != nil {
		t.Fatal(err)
	}
	soon(t, "the log tells that the name is taken", func() bool { return strings.Contains(log.String(), "another file has the name") })
	_ = cmd.Process.Signal(unix.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if st, err := os.Lstat(socket); err != nil || !os.SameFile(st, theirs) {
		t.Errorf("another process's socket is gone: %v", err)
	}
}

// Files that were moved get their names back; files that were removed cannot, and the log says so.
// Those that are attached go on.
func TestRemovedFiles(t *testing.T) {
	dir := memoryDir(t)
	s, _, log := servingWithLog(t, "--backend", "file", "--dir", dir)
	sub := start(t, nil, "sub", "cam", "--key", s.Key, "--count", "1")
	soon(t, "sub is attached", func() bool {
		return strings.Contains(runHere(t, "", "stat", s.Key, "--json", "--interval", "0").out, "sub cam")
	})
	for _, name := range names(t, dir) {
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, "old-"+name)); err != nil {
			t.Fatal(err)
		}
	}
	soon(t, "clients get in again", func() bool { return attaches(t, s.Key) })
	pub := start(t, strings.NewReader("frame"), "pub", "cam", "--key", s.Key)
	if r := pub.end(t); r.status != exitOK {
		t.Errorf("pub: %+v", r)
	}
	if r := sub.end(t); r.out != "frame" {
		t.Errorf("sub, attached before: %+v", r)
	}
	for _, name := range names(t, dir) {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	log.await(t, "files of this server were removed")
	if attaches(t, s.Key) {
		t.Error("a client attached by files that are gone")
	}
}

// A key file that was removed, alone or with its directory, is there again with the same key; one
// of another server is not replaced.
func TestRemovedKeyFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys", "key")
	if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	s, cmd, log := servingWithLog(t, "--key-file", file)
	for _, gone := range []string{file, filepath.Dir(file)} {
		if err := os.RemoveAll(gone); err != nil {
			t.Fatal(err)
		}
		soon(t, "the key file is there again", func() bool { b, err := os.ReadFile(file); return err == nil && string(b) == s.Key+"\n" })
	}
	if left := names(t, filepath.Dir(file)); len(left) != 1 {
		t.Errorf("beside the key file there are %v", left)
	}
	log.await(t, "key file was removed")
	if err := os.WriteFile(file, []byte("another's\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Signal(unix.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(file); string(b) != "another's\n" {
		t.Errorf("another server's key file: %q, %v", b, err)
	}
}

// systemd-tmpfiles, for which everything in the directory is too old, leaves a living server's
// socket and files alone, and takes those of a dead one.
func TestTmpfilesLeavesServersAlone(t *testing.T) {
	testproc.NeedTools(t, "systemd-tmpfiles")
	testproc.NeedRoot(t)
	for _, backend := range []string{"memfd", "file"} {
		parent := memoryDir(t)
		dir := filepath.Join(parent, "ours")
		s, _, log := servingWithLog(t, "--backend", backend, "--dir", dir, "--key-file", filepath.Join(t.TempDir(), "key"))
		there := names(t, dir)
		witness := filepath.Join(parent, "theirs")
		if err := os.WriteFile(witness, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		conf := filepath.Join(t.TempDir(), "clean.conf")
		if err := os.WriteFile(conf, []byte("d "+parent+" - - - 1us\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		// It asks what is old, and all is older than a microsecond.
		if out, err := testproc.Command("systemd-tmpfiles", "--clean", conf).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if _, err := os.Stat(witness); err == nil {
			t.Error("systemd-tmpfiles took nothing")
		}
		if left := names(t, dir); fmt.Sprint(left) != fmt.Sprint(there) || strings.Contains(log.String(), "removed") {
			t.Errorf("%s: %v became %v", backend, there, left)
		}
		if !attaches(t, s.Key) {
			t.Errorf("%s: no client gets in", backend)
		}
	}
}

// By its name alone, without a lock on the directory, systemd-tmpfiles knows that a socket lives.
func TestSocketIsBoundUnderItsName(t *testing.T) {
	dir := memoryDir(t)
	_, _, _ = servingWithLog(t, "--backend", "memfd", "--dir", dir)
	table, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		t.Fatal(err)
	}
	if socket := filepath.Join(dir, names(t, dir)[0]); !strings.Contains(string(table), " "+socket+"\n") {
		t.Errorf("%s is not in /proc/net/unix", socket)
	}
}
