package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// memoryDir is a directory on a tmpfs that other users can look into.
func memoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "framebuffer-command-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // that is the point
		t.Fatal(err)
	}
	return dir
}

// names are those of a directory's files.
func names(t testing.TB, dir string) (all []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		all = append(all, f.Name())
	}
	return all
}

// started is a command that runs on its own, and what it will have left.
func started(t testing.TB, stdin string, args ...string) (end func() result) {
	t.Helper()
	done := make(chan result, 1)
	go func() { done <- runCommand(t, stdin, args...) }()
	return func() result { return <-done }
}

// Whatever the backend, serve says which it is, frames go through it by the key alone, and the
// directory has what the backend needs and nothing when it is over; what a kill leaves, the next
// server there removes.
func TestServeBackends(t *testing.T) {
	content := strings.Repeat("\x00\xff frame", 10_000)
	for backend, want := range map[string][]string{"sysv": {}, "memfd": {".fb"}, "file": {".control", ".ring"}} {
		t.Run(backend, func(t *testing.T) {
			dir := filepath.Join(memoryDir(t), "made")
			flags := []string{"--size", "1MiB", "--backend", backend, "--dir", dir}
			if backend == "sysv" {
				dir = t.TempDir()
				flags = flags[:4]
			}
			for _, end := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
				_, s, cmd := serving(t, flags...)
				if s.Backend != backend || s.Capacity != 1<<20 || !strings.HasPrefix(s.Key, "fb4_"+backend+"_") {
					t.Errorf("serve said %+v", s)
				}
				has := names(t, dir)
				if len(has) != len(want) {
					t.Errorf("files: %v", has)
				}
				for i, suffix := range want {
					if i < len(has) && !strings.HasSuffix(has[i], suffix) {
						t.Errorf("files: %v", has)
					}
				}
				put := runCommand(t, content, "put", "-", "--key", s.Key)
				if get := runCommand(t, put.out, "get", "-"); put.status != 0 || get.status != 0 || get.out != content {
					t.Errorf("put: %+v; get: status %d, %d bytes, %s", put, get.status, len(get.out), get.err)
				}
				if stat := runCommand(t, "", "--json", "stat", s.Key); stat.status != 0 || !strings.Contains(stat.out, `"backend":"`+backend+`"`) {
					t.Errorf("stat: %+v", stat)
				}
				if err := cmd.Process.Signal(end); err != nil {
					t.Fatal(err)
				}
				if err := cmd.Wait(); end == syscall.SIGTERM && err != nil {
					t.Error(err)
				}
				if r := runCommand(t, "", "allocate", "1", "--key", s.Key); r.status != exitNoServer {
					t.Errorf("after the server's end by %v: %+v", end, r)
				}
			}
			if left := names(t, dir); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
	for what, c := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"a backend there is not": {[]string{"--backend", "posix"}, exitUsage, "memfd"},
		"not in memory":          {[]string{"--backend", "file", "--dir", "/proc"}, exitFailed, "is to be in memory"},
		"lists with sysv":        {[]string{"--backend", "sysv", "--allow-uid", "1"}, exitFailed, "memfd"},
		"a user listed twice":    {[]string{"--backend", "memfd", "--dir", t.TempDir(), "--allow-uid", "1", "--read-uid", "1"}, exitFailed, "list it once"},
		"a user that cannot be":  {[]string{"--backend", "memfd", "--dir", t.TempDir(), "--allow-uid", "-1"}, exitUsage, "-1"},
		"a directory in /":       {[]string{"--dir", "/framebuffer-nonexistent"}, exitUsage, "create the directory first"},
		"a directory nowhere":    {[]string{"--backend", "file", "--dir", filepath.Join(t.TempDir(), "missing", "dir")}, exitUsage, "create the directory first"},
		"a key file nowhere":     {[]string{"--key-file", filepath.Join(t.TempDir(), "missing", "key")}, exitFailed, "key file"},
	} {
		if r := runCommand(t, "", append([]string{"serve", "--size", "64KiB", "--name", fmt.Sprintf("refused-%d", os.Getpid())}, c.args...)...); r.status != c.status || !strings.Contains(r.err, c.says) {
			t.Errorf("%s: %+v", what, r)
		}
	}
}

// A key file is there for as long as its server, whole, for those to read that may attach; clients wait for
// it, and for the next server when it is that of a dead one.
func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "key")
	early := started(t, "hello", "put", "-", "--key-file", file)
	_, first, cmd := serving(t, "--size", "64KiB", "--key-file", file)
	put := early()
	if get := runCommand(t, put.out, "get", "-"); put.status != 0 || get.out != "hello" {
		t.Errorf("put, begun before serve: %+v; get: %+v", put, get)
	}
	st, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != first.Key+"\n" || st.Mode().Perm() != 0o600 {
		t.Errorf("%q, %v, %v", text, st.Mode(), err)
	}
	if all := names(t, dir); len(all) != 1 {
		t.Errorf("files: %v", all)
	}

	// It is killed and leaves its key. Who comes then waits for a key that works.
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	early = started(t, "again", "put", "-", "--key-file", file)
	t.Setenv("FRAMEBUFFER_KEY_FILE", file)
	_, second, cmd := serving(t, "--size", "64KiB") // by the variable
	put = early()
	if get := runCommand(t, put.out, "get", "-"); put.status != 0 || get.out != "again" || !strings.Contains(put.out, second.Key) {
		t.Errorf("put, begun after a kill: %+v; get: %+v", put, get)
	}

	// The file is the last one's who wrote it: the end of another does not take it away.
	_, third, last := serving(t, "--size", "64KiB")
	for i, c := range []struct {
		cmd  interface{ Wait() error }
		kill func(os.Signal) error
	}{{cmd, cmd.Process.Signal}, {last, last.Process.Signal}} {
		if err := c.kill(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := c.cmd.Wait(); err != nil {
			t.Error(err)
		}
		text, err := os.ReadFile(file)
		if i == 0 && string(text) != third.Key+"\n" || i == 1 && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("after the end of %d: %q, %v", i, text, err)
		}
	}
	if err := os.WriteFile(file, []byte("no key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := runCommand(t, "", "allocate", "1"); r.status != exitUsage || !strings.Contains(r.err, "not a key") {
		t.Errorf("a file with something else: %+v", r)
	}
}

// as runs the command as another user, in these groups.
func as(t testing.TB, who syscall.Credential, stdin string, args ...string) result {
	t.Helper()
	cmd := command(args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &who}
	return resultOf(t, cmd, stdin)
}

// The flags let in whom they name, for what they say, and nobody else.
func TestServeAccess(t *testing.T) {
	testproc.NeedRoot(t)
	const none, reads, writes = 0, 1, 2
	user := func(uid, gid uint32, groups ...uint32) syscall.Credential {
		return syscall.Credential{Uid: uid, Gid: gid, Groups: groups}
	}
	type somebody struct {
		what string
		who  syscall.Credential
		may  int
	}
	lists := []somebody{
		{"--allow-uid", user(31234, 31234), writes},
		{"--read-uid", user(31235, 31235), reads},
		{"--allow-gid", user(33000, 32345), writes},
		{"--allow-gid by another of his groups", user(33001, 33001, 32345), writes},
		{"--read-gid", user(33002, 32346), reads},
		{"nobody named", user(33003, 33003), none},
		{"the server's group", user(33004, 0), none},
	}
	flags := []string{
		"--allow-uid", "31230", "--allow-uid", "31234", "--read-uid", "31235", "--allow-gid", "32345", "--read-gid", "32346",
	}
	for _, backend := range []string{"memfd", "file", "sysv"} {
		for _, mode := range []string{"", "0640", "0666"} {
			people, args := lists, flags
			switch mode {
			case "0640":
				people = []somebody{{"the server's group", user(33004, 0), reads}, {"another", user(33003, 33003), none}}
				args = []string{"--mode", mode}
			case "0666":
				people = []somebody{{"another", user(33003, 33003), writes}}
				args = []string{"--mode", mode}
			default:
				if backend == "sysv" {
					continue // it cannot list anybody, and says so (TestServeBackends)
				}
			}
			args = append([]string{"--size", "64KiB", "--backend", backend}, args...)
			if backend != "sysv" {
				args = append(args, "--dir", memoryDir(t))
			}
			_, s, _ := serving(t, args...)
			frame := runCommand(t, "hello", "put", "-", "--key", s.Key).out
			for _, p := range people {
				if p.may < writes {
					get := as(t, p.who, frame, "get", "-")
					if ok := get.status == 0 && get.out == "hello"; ok != (p.may == reads) || !ok && get.status != exitPermission {
						t.Errorf("%s %s, %s: get %+v", backend, mode, p.what, get)
					}
				}
				if p.may == none {
					continue
				}
				put := as(t, p.who, "from him", "put", "-", "--key", s.Key)
				if ok := put.status == 0; ok != (p.may == writes) || !ok && put.status != exitPermission {
					t.Errorf("%s %s, %s: put %+v", backend, mode, p.what, put)
				}
				if put.status == 0 {
					if back := runCommand(t, put.out, "get", "-"); back.out != "from him" {
						t.Errorf("%s %s, %s: the server's user gets %+v", backend, mode, p.what, back)
					}
				}
			}
		}
	}
}

// The limits that errors name can be set.
func TestServeLimits(t *testing.T) {
	name, _, _ := serving(t, "--size", "1MiB", "--topics", "2", "--topic-depth", "4", "--hold-limit", "100KiB")
	for i, topic := range []string{"a", "b", "c"} {
		r := runCommand(t, "x", "pub", topic, "--name", name)
		if i < 2 && r.status != exitOK || i == 2 && (r.status == exitOK || !strings.Contains(r.err, "larger Topics")) {
			t.Errorf("topic %d: %+v", i, r)
		}
	}
	if r := runCommand(t, "", "serve", "--name", name+"-2", "--topics", "70000"); r.status == exitOK || !strings.Contains(r.err, "65536") {
		t.Errorf("%+v", r)
	}
}

// A server's key file takes the place of a file alone: a pipe, a device and a descriptor's name are
// refused, and links keep leading where they do, also to a file that is not there yet.
func TestKeyFileTakesThePlaceOfAFileAlone(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{
		syscall.Mkfifo(at("pipe"), 0o600), os.Symlink("/proc/self/fd/2", at("descriptor")), os.Symlink("target", at("link")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	is := func(name string, kind os.FileMode) {
		t.Helper()
		if st, err := os.Lstat(at(name)); err != nil || st.Mode().Type() != kind {
			t.Errorf("%s: %v, %v", name, st, err)
		}
	}
	for name, kind := range map[string]os.FileMode{"pipe": os.ModeNamedPipe, "descriptor": os.ModeSymlink} {
		r := runCommand(t, "", "serve", "--name", ofTests(), "--size", "64KiB", "--key-file", at(name))
		if r.status != exitUsage || !strings.Contains(r.err, at(name)+": it is not a regular file") {
			t.Errorf("%s: %+v", name, r)
		}
		is(name, kind)
	}
	_, s, cmd := serving(t, "--size", "64KiB", "--key-file", at("link"))
	if text, err := os.ReadFile(at("target")); err != nil || string(text) != s.Key+"\n" {
		t.Errorf("%q, %v", text, err)
	}
	is("link", os.ModeSymlink)
	ends(t, cmd, syscall.SIGTERM)
	if left := names(t, dir); len(left) != 3 {
		t.Errorf("files: %v", left)
	}
	is("link", os.ModeSymlink)
}
