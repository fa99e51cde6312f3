package system_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// roleCrash: BACKEND DIR [KEY] -> the key of the server that it makes, or that it attached to;
// dies with a core dump in its directory when it is told to.
func roleCrash(c *testproc.Child) error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}); err != nil {
		return err
	}
	var key string
	if len(c.Args) > 2 {
		client, err := framebuffer.Attach(c.Args[2], nil)
		if err != nil {
			return err
		}
		defer client.Close()
		key = client.Key()
	} else {
		server, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Backend: c.Args[0], Dir: c.Args[1]})
		if err != nil {
			return err
		}
		defer server.Close()
		key = server.Key()
	}
	if err := c.Send(key); err != nil {
		return err
	}
	if err := c.Park(); err != nil {
		return err
	}
	for {
		if err := errors.Join(unix.Kill(os.Getpid(), unix.SIGABRT), unix.Pause()); err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// sharedMappings are the flags, as /proc/PID/smaps has them, of what a process has mapped that it
// shares with others and that is large enough to be of a segment.
func sharedMappings(t *testing.T, pid int) (all [][]string) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		t.Fatal(err)
	}
	large := false
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		switch {
		case f[0] == "Size:":
			large = len(f[1]) > 2 // 100 kB or more
		case f[0] == "VmFlags:" && large && slices.Contains(f, "sh"):
			all = append(all, f[1:])
		}
	}
	return all
}

// A core dump of a process that serves or is attached has nothing of the ring in it, with any
// backend, unless the environment asks for it.
func TestCoreDumpHasNoRing(t *testing.T) {
	secret := bytes.Repeat([]byte("a frame that no other user is to see "), 1000)
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil {
		t.Fatal(err)
	}
	// Where another program takes the cores, what the kernel says of the mappings has to do.
	here := len(pattern) > 0 && !strings.ContainsAny(string(pattern), "|/@%")
	for _, backend := range []string{"sysv", "memfd", "file"} {
		for _, role := range []string{"server", "client"} {
			for _, wanted := range []bool{false, true} {
				what := fmt.Sprintf("%s %s, dumped %v", backend, role, wanted)
				dir, cwd := memoryDir(t), t.TempDir()
				args := []string{backend, dir}
				if role == "client" {
					server, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Backend: backend, Dir: dir})
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { _ = server.Close() })
					args = append(args, server.Key())
				}
				opts := []testproc.Option{testproc.Env("GOTRACEBACK=crash"), testproc.In(cwd), testproc.Silent()}
				if wanted {
					opts = append(opts, testproc.Env("FRAMEBUFFER_DUMP_RING=1"))
				}
				p := testproc.StartWith(t, opts, "crash", args...)
				var key string
				p.Recv(&key)
				if _, err := ringtest.Attach(t, key).Put(secret); err != nil {
					t.Fatal(err)
				}
				all := sharedMappings(t, p.PID())
				if len(all) != 3 {
					t.Errorf("%s: %d mappings, want the control object and the ring twice", what, len(all))
				}
				for _, flags := range all {
					if slices.Contains(flags, "dd") == wanted {
						t.Errorf("%s: a mapping has %v", what, flags)
					}
				}
				p.CloseInput()
				_ = p.Wait()
				cores, _ := filepath.Glob(filepath.Join(cwd, "core*"))
				if !here {
					continue
				}
				if len(cores) != 1 {
					t.Fatalf("%s: core dumps %v", what, cores)
				}
				core, err := os.ReadFile(cores[0])
				if err != nil {
					t.Fatal(err)
				}
				// The kernel leaves out files that have a name, unless it is told otherwise.
				if has := bytes.Contains(core, secret); has && !wanted || !has && wanted && backend != "file" {
					t.Errorf("%s: the core of %d bytes has the frame: %v", what, len(core), has)
				}
				if err := os.Remove(cores[0]); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
