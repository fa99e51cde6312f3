package doctor

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/procinfo"
	"github.com/core-framebuffer/framebuffer/internal/shm"
	"github.com/core-framebuffer/framebuffer/monitor"
)

// find is the only result of that name.
func find(t *testing.T, all []Result, name string) Result {
	t.Helper()
	var found []Result
	for _, r := range all {
		if r.Name == name {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d results named %s: %+v", len(found), name, all)
	}
	return found[0]
}

func newServer(t *testing.T, opts *framebuffer.ServerOptions) *framebuffer.Server {
	t.Helper()
	opts.Name = "the server"
	s, err := framebuffer.NewServer(1<<20, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestKeyWorks(t *testing.T) {
	for backend, says := range map[string]string{"sysv": "IPC namespace", "memfd": "by the socket", "file": "by the files"} {
		server := newServer(t, &framebuffer.ServerOptions{Backend: backend, Dir: memoryDir(t)})
		client, err := framebuffer.Attach(server.Key(), &framebuffer.ClientOptions{Name: "a\x1bclient"})
		if err != nil {
			t.Fatal(err)
		}
		all := Examine(Here(""), 0, server.Key())
		if r := find(t, all, "key"); r.Status != OK || !strings.HasPrefix(r.Finding, backend) || !strings.Contains(r.Finding, says) {
			t.Errorf("%s: %+v", backend, r)
		}
		if r := find(t, all, "ipc namespace"); r.Status != OK || !strings.Contains(r.Finding, fmt.Sprint(procinfo.Namespace("ipc"))) {
			t.Errorf("%s: %+v", backend, r)
		}
		if r := find(t, all, "attach"); r.Status != OK || !strings.Contains(r.Finding, "1.0 MiB, of small pages; others attached: 2") {
			t.Errorf("%s: %+v", backend, r)
		}
		for _, name := range []string{"server", "client"} {
			if r := find(t, all, name); r.Status != OK || !strings.Contains(r.Finding, name+`", pid `+fmt.Sprint(os.Getpid())) {
				t.Errorf("%s: %+v", backend, r)
			}
		}
		if r := find(t, all, "client"); strings.Contains(r.Finding, "\x1b") {
			t.Errorf("a client's name reaches the terminal as it is: %q", r.Finding)
		}
		if s, err := monitor.Look(client); err != nil || len(s.Clients) != 2 {
			t.Errorf("%s: %+v (%v) attached afterwards, want the server and the client", backend, s, err)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestKeyDoesNotWork(t *testing.T) {
	server := newServer(t, &framebuffer.ServerOptions{})
	key := server.Key()
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	all := Examine(Here(""), 0, key)
	if r := find(t, all, "attach"); r.Status != Fail || !strings.Contains(r.Finding, "stale key") || strings.Contains(r.Finding, key) || !strings.Contains(r.Remedy, "framebuffer key") {
		t.Errorf("%+v", r)
	}
	for _, bad := range []string{"garbage", key[:len(key)-1], "fb1_" + key[4:]} {
		r := find(t, Examine(Here(""), 0, bad), "key")
		if r.Status != Fail || !strings.Contains(r.Finding, "bad key") || !strings.Contains(r.Remedy, "copy all") {
			t.Errorf("%s: %+v", bad, r)
		}
	}
}

// Each reason has its remedy, and where the memory is out of reach that is said once.
func TestRefused(t *testing.T) {
	for kind, remedy := range map[error]string{
		framebuffer.ErrPermission: "--mode", framebuffer.ErrNoMemory: "ulimit -v", framebuffer.ErrStaleKey: "framebuffer key",
		framebuffer.ErrCorrupt: "start the server again", errMadeUp: "start the server again",
	} {
		err := fmt.Errorf("attach with key %q: %w: why", "fb4_x", kind)
		expectResult(t, remedy, refused(err, false), expected{status: Fail, says: ": why", remedy: remedy})
		expectResult(t, remedy, refused(err, true), expected{status: Fail, says: "does not work", remedy: "as above"})
	}
}

// What a key says is told without attaching, whatever there is at the place that it names.
func TestPlace(t *testing.T) {
	t.Setenv(shm.DirVariable, "")
	socket, file := filepath.Join(t.TempDir(), "x.fb"), filepath.Join(t.TempDir(), "x")
	memfd := "memfd_" + hex.EncodeToString([]byte(socket))
	for location, says := range map[string]string{
		"sysv_1.2.4026532179": "4026532179", "sysv_1.2.0": "does not say",
		memfd: "memfd needs no IPC namespace in common, and this process's, the host's (4026531839), may be",
		"file_" + hex.EncodeToString([]byte(file)): "file needs no",
	} {
		all := place(made(nil), "fb4_"+location+"_nonce_check")
		if r := find(t, all, "ipc namespace"); !strings.Contains(r.Finding, says) {
			t.Errorf("%s: %+v", location, all)
		}
	}
	if r := find(t, place(made(nil), "fb4_"+memfd+"_n_c"), "key"); !strings.Contains(r.Finding, strconv.Quote(socket)) {
		t.Errorf("%+v", r)
	}
	if all := place(made(nil), "fb4_new_x_n_c"); len(all) != 1 || all[0].Finding != "new" {
		t.Errorf("%+v", all)
	}
}

// The trial that is made here is made for real.
func TestTry(t *testing.T) {
	dir := memoryDir(t)
	t.Setenv("FRAMEBUFFER_DIR", dir)
	for _, backend := range []string{"sysv", "memfd", "file"} {
		if err := errors.Join(try(backend, ""), try(backend, filepath.Join(dir, "another"))); err != nil {
			t.Errorf("%s: %v", backend, err)
		}
	}
	if err := try("memfd", "/proc/self/no"); !errors.Is(err, framebuffer.ErrPermission) {
		t.Errorf("in a directory that cannot be made: %v", err)
	}
}

// memoryDir is a directory of the test's own on a tmpfs.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "framebuffer-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
