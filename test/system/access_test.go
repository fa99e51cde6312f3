package system_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// member runs a child as that user and group, in these other groups too.
func member(uid, gid uint32, groups ...uint32) testproc.Option {
	return testproc.Credentials(syscall.Credential{Uid: uid, Gid: gid, Groups: groups})
}

// roleVisit: KEY; attaches for writing and then for reading -> what each brings.
func roleVisit(c *testproc.Child) error {
	var got [2]string
	for i, readOnly := range []bool{false, true} {
		client, err := framebuffer.Attach(c.Args[0], &framebuffer.ClientOptions{ReadOnly: readOnly})
		switch {
		case err == nil:
			got[i] = "in"
			if err := client.Close(); err != nil {
				return err
			}
		case errors.Is(err, framebuffer.ErrPermission):
			got[i] = err.Error()
		default:
			return err
		}
	}
	return c.Send(got)
}

// visit is what a user gets: "write", "read" or "nothing".
func visit(t *testing.T, s *framebuffer.Server, as testproc.Option) string {
	t.Helper()
	p := testproc.StartWith(t, []testproc.Option{as}, "visit", s.Key())
	var got [2]string
	p.Recv(&got)
	p.Done()
	switch {
	case got[0] == "in" && got[1] == "in":
		return "write"
	case got[1] == "in":
		if !strings.Contains(got[0], "may only read") || !strings.Contains(got[0], "asked to write") || !strings.Contains(got[0], "ReadOnly") {
			t.Errorf("refused to write with: %s", got[0])
		}
		return "read"
	case got[0] == "in":
		return "write but not read"
	}
	return "nothing"
}

// Each backend lets in whom the mode and the lists say, for what they say, and nobody else.
func TestAccess(t *testing.T) {
	testproc.NeedRoot(t)
	const group, inGroup, mine = 4001, 4002, 0
	people := map[string]testproc.Option{
		"stranger":     member(5000, 5000),
		"listed":       member(5001, 5000),
		"reader":       member(5002, 5000),
		"first group":  member(5000, group),
		"other group":  member(5000, 5000, 4444, group),
		"group reader": member(5000, inGroup),
		"own group":    member(5000, 5000, mine),
		"both":         member(5002, 5000, group),
	}
	lists := framebuffer.ServerOptions{AllowUIDs: []int{5001}, AllowGIDs: []int{group}, ReadUIDs: []int{5002}, ReadGIDs: []int{inGroup}}
	type want map[string]string
	for _, c := range []struct {
		what     string
		opts     framebuffer.ServerOptions
		backends []string
		want     want // others get nothing
	}{
		{"default", framebuffer.ServerOptions{}, backends(), want{}},
		{"0660", framebuffer.ServerOptions{Mode: 0o660}, backends(), want{"own group": "write"}},
		{"0640", framebuffer.ServerOptions{Mode: 0o640}, backends(), want{"own group": "read"}},
		{"0622", framebuffer.ServerOptions{Mode: 0o622}, backends(), want{}},
		{"0604", framebuffer.ServerOptions{Mode: 0o604}, backends(), want{
			"stranger": "read", "listed": "read", "reader": "read", "first group": "read", "other group": "read", "group reader": "read", "both": "read",
		}},
		{"lists", lists, []string{"memfd", "file"}, want{
			"listed": "write", "reader": "read", "first group": "write", "other group": "write", "group reader": "read", "both": "read",
		}},
	} {
		for _, backend := range c.backends {
			t.Run(c.what+"/"+backend, func(t *testing.T) {
				opts := c.opts
				opts.Backend, opts.Dir = backend, memoryDir(t)
				s, err := framebuffer.NewServer(1<<20, &opts)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				for who, as := range people {
					want := c.want[who]
					if want == "" {
						want = "nothing"
					}
					if got := visit(t, s, as); got != want {
						t.Errorf("%s gets %s, not %s", who, got, want)
					}
				}
			})
		}
	}
}

// What a backend cannot honour is an error at start, and so is what nobody can.
func TestAccessThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		opts framebuffer.ServerOptions
		says string
	}{
		{framebuffer.ServerOptions{Backend: "sysv", AllowUIDs: []int{1}}, "--backend memfd or file"},
		{framebuffer.ServerOptions{Backend: "sysv", ReadGIDs: []int{1}}, "--backend memfd or file"},
		{framebuffer.ServerOptions{Backend: "memfd", AllowUIDs: []int{-1}}, "user id -1"},
		{framebuffer.ServerOptions{Backend: "file", AllowGIDs: []int{1<<32 - 1}}, "group id 4294967295"},
		{framebuffer.ServerOptions{Backend: "memfd", AllowUIDs: []int{7}, ReadUIDs: []int{7}}, "user 7"},
	} {
		c.opts.Dir = memoryDir(t)
		if s, err := framebuffer.NewServer(1<<20, &c.opts); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, %v", c.opts, s, err)
		}
	}
}

// A directory of huge pages keeps no lists, and the error says so.
func TestAccessListsOnHugePages(t *testing.T) {
	testproc.NeedRoot(t)
	withHugePages(t, 4)
	_, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Backend: "file", Dir: mount(t, "hugetlbfs", ""), AllowUIDs: []int{1}})
	if err == nil || !strings.Contains(err.Error(), "hugetlbfs") {
		t.Error(err)
	}
}

// Clients that were let in and then say nothing keep nobody else waiting, however many they
// are; and the server's end does not wait for them.
func TestSilentClientsKeepNobodyWaiting(t *testing.T) {
	dir := t.TempDir()
	s, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Backend: "memfd", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sockets, err := filepath.Glob(filepath.Join(dir, "*.fb"))
	if err != nil || len(sockets) != 1 {
		t.Fatal(sockets, err)
	}
	// More than the server talks to at a time. With one at a time this would take minutes.
	for range 200 {
		c, err := net.Dial("unix", sockets[0])
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ringtest.Attach(t, s.Key())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(sockets[0]); !errors.Is(err, fs.ErrNotExist) {
		t.Error(fmt.Errorf("the socket is still there: %w", err))
	}
}
