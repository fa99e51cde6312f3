package main

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/doctor"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// without is a command for which system calls are refused.
func without(errno string, calls ...string) func(args ...string) *exec.Cmd {
	return func(args ...string) *exec.Cmd {
		cmd := command(args...)
		cmd.Env = append(cmd.Env, testproc.RefusedVariable(errno, calls...))
		return cmd
	}
}

// Where a sandbox refuses a system call, a server and its clients do without, or fail with the
// call's name, what to do, and the status of a refusal: they lack neither memory nor a server.
func TestRefusedSystemCalls(t *testing.T) {
	for _, c := range []struct {
		call  string
		needs string // the backends that cannot do without
	}{
		{"shmget", "sysv"}, {"shmat", "sysv"}, {"shmctl", "sysv"}, {"memfd_create", "memfd"},
		{"linkat", "file"}, {"statfs", "file"}, {"fchmod", "memfd file"}, {"ftruncate", "memfd"},
		{"madvise", ""}, {"fallocate", ""}, {"flock", ""}, {"utimensat", ""}, {"fstatfs", ""},
		{"set_robust_list", ""}, {"mlock", ""}, {"mremap", ""}, {"prctl", ""}, {"futex_waitv", ""},
		{"sched_getaffinity", ""}, {"sched_setaffinity", ""}, {"landlock_create_ruleset", ""},
	} {
		for _, errno := range []string{"EPERM", "ENOSYS"} {
			for _, backend := range []string{"sysv", "memfd", "file"} {
				args := []string{"serve", "--name", "refused-" + rand.Text(), "--size", "1MiB", "--backend", backend}
				if backend != "sysv" {
					args = append(args, "--dir", memoryDir(t))
				}
				what := backend + " without " + c.call + " (" + errno + ")"
				if strings.Contains(c.needs, backend) {
					r := resultOf(t, without(errno, c.call)(args...), "")
					if r.status != exitPermission || !strings.Contains(r.err, "the system call "+c.call+" is refused here") || strings.Contains(r.err, "memory:") {
						t.Errorf("%s: %+v", what, r)
					}
					continue
				}
				var s served
				server := announcingFrom(t, without(errno, c.call), &s, args...)
				put := resultOf(t, without(errno, c.call)("put", "-", "--key", s.Key), "frame")
				if got := resultOf(t, without(errno, c.call)("get", "-"), put.out); put.status != exitOK || got.out != "frame" {
					t.Errorf("%s: put %+v, get %+v", what, put, got)
				}
				_ = server.Process.Signal(unix.SIGTERM)
				if err := server.Wait(); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
		}
	}
}

// A client for which the calls are refused that attach says so: its key is not stale, and the ring
// is not another user's.
func TestRefusedToAttach(t *testing.T) {
	_, s, _ := serving(t, "--size", "1MiB", "--backend", "sysv")
	for _, call := range []string{"shmat", "shmctl"} {
		for _, errno := range []string{"EPERM", "ENOSYS"} {
			for _, args := range [][]string{{"put", "-", "--key", s.Key}, {"stat", s.Key, "--interval", "0"}} {
				if r := resultOf(t, without(errno, call)(args...), "x"); r.status != exitPermission || !strings.Contains(r.err, "the system call "+call+" is refused here") {
					t.Errorf("%v without %s (%s): %+v", args[0], call, errno, r)
				}
			}
		}
	}
}

// doctor names the call that is refused, and what works instead.
func TestDoctorOfRefusedSystemCalls(t *testing.T) {
	r := resultOf(t, without("EPERM", "shmget", "madvise", "fallocate", "set_robust_list")("doctor", "--json", "--size", "1MiB", "--dir", memoryDir(t)), "")
	by := examined(t, r)
	if f := by["sysv"]; f.Status != doctor.Warn || !strings.Contains(f.Finding, "shmget is refused here") || !strings.Contains(f.Remedy, "memfd") {
		t.Errorf("%+v", f)
	}
	if f := by["deaths"]; f.Status != doctor.Warn || !strings.Contains(f.Finding, "not noticed") {
		t.Errorf("%+v", f)
	}
	for _, name := range []string{"memfd", "file"} {
		if f := by[name]; f.Status != doctor.OK {
			t.Errorf("%+v", f)
		}
	}
}

// Without /proc, as in some sandboxes, servers and clients work, and doctor does not take what it
// cannot know for what is not there.
func TestWithoutProc(t *testing.T) {
	testproc.NeedRoot(t)
	noProc := func(args ...string) *exec.Cmd {
		cmd := byShell(t, `mount -t tmpfs none /proc && exec "$0" "$@"`)(args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
		return cmd
	}
	for _, backend := range []string{"sysv", "memfd", "file"} {
		var s served
		args := []string{"serve", "--name", "noproc-" + rand.Text(), "--size", "1MiB", "--backend", backend}
		if backend != "sysv" {
			args = append(args, "--dir", memoryDir(t))
		}
		server := announcingFrom(t, noProc, &s, args...)
		put := resultOf(t, noProc("put", "-", "--key", s.Key), "frame")
		got := resultOf(t, noProc("get", "-"), put.out)
		stat := resultOf(t, noProc("stat", s.Key, "--interval", "0", "--json"), "")
		if put.status != exitOK || got.out != "frame" || !json.Valid([]byte(stat.out)) || stat.status != exitOK {
			t.Errorf("%s: put %+v, get %+v, stat %+v", backend, put, got, stat)
		}
		_ = server.Process.Signal(unix.SIGTERM)
		if err := server.Wait(); err != nil {
			t.Errorf("%s: %v", backend, err)
		}
	}
	r := resultOf(t, noProc("doctor", "--json", "--size", "1MiB", "--dir", memoryDir(t)), "")
	for name, f := range examined(t, r) {
		if f.Status == doctor.Fail || strings.Contains(f.Finding, "no System V") {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if strings.Contains(r.err, os.ErrNotExist.Error()) {
		t.Errorf("%+v", r)
	}
}
