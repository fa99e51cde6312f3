package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// Every command that takes a key takes it from a file and from standard input, and by the
// environment: it need not stand in the list of processes.
func TestKeyFromAFile(t *testing.T) {
	_, s, _ := serving(t, "--size", "64KiB")
	file := filepath.Join(t.TempDir(), "key")
	for _, text := range []string{s.Key, " " + s.Key + "\r\n\n"} { // also without a line feed
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"allocate", "1", "--key"}, {"topics", "--key"}, {"check", "--key"}, {"stat", "--interval", "0", "--key"}, {"doctor", "--key"},
			{"check"}, {"stat", "--interval", "0"}, {"doctor"}, // the form of earlier releases
		} {
			for how, stdin := range map[string]string{"@" + file: "", "@-": text, "-": text} {
				if r := runHere(t, stdin, append(args, how)...); r.status == exitUsage || strings.Contains(r.err, "key") && args[0] != "doctor" {
					t.Errorf("%v %s: %+v", args, how, r)
				}
			}
		}
		if r := runHere(t, "x", "put", "-", "--key", "@"+file); r.status != exitOK {
			t.Errorf("put: %+v", r)
		}
	}
	t.Setenv("FRAMEBUFFER_KEY", "@"+file)
	if r := runHere(t, "frame", "pub", "cam"); r.status != exitOK {
		t.Errorf("by the variable: %+v", r)
	}
}

// What is no key is said without repeating it, whatever the file, and in bounded time and memory.
func TestFilesWithoutAKey(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	huge, err := os.Create(at("huge"))
	if err != nil {
		t.Fatal(err)
	}
	defer huge.Close()
	for _, err := range []error{
		huge.Truncate(1 << 40), syscall.Mkfifo(at("pipe"), 0o600), os.WriteFile(at("empty"), nil, 0o600),
		os.WriteFile(at("secret"), []byte("root:$6$hunter2\n"), 0o600), os.WriteFile(at("lines"), []byte("fb4_a\nfb4_b\n"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, says := range map[string]string{
		"huge": "more than 4096 bytes", "pipe": "is empty", "empty": "is empty", "secret": "is not a key", "lines": "is not a key",
		"none": "does not exist", ".": "key file",
	} {
		for _, args := range [][]string{{"allocate", "1", "--key"}, {"stat", "--key"}, {"stat"}, {"check"}, {"doctor"}} {
			r := runHere(t, "", append(args, "@"+at(name))...)
			if r.status != exitUsage || !strings.Contains(r.err, says) || strings.Contains(r.err, "hunter2") {
				t.Errorf("%v, %s: %+v", args, name, r)
			}
		}
	}
	for _, args := range [][]string{{"put", "-", "--key", "@-"}, {"pub", "cam", "--key", "-"}} {
		if r := runHere(t, "x", args...); r.status != exitUsage || !strings.Contains(r.err, "cannot both come on standard input") {
			t.Errorf("%v: %+v", args, r)
		}
	}
}

// A key may come from a pipe, as a shell's <(…) has it, and is waited for.
func TestKeyFromAPipe(t *testing.T) {
	_, s, _ := serving(t, "--size", "64KiB")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := &running{Cmd: command("allocate", "1", "--key", "@/dev/fd/3")}
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = &cmd.out, &cmd.err, []*os.File{r}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, err = w.WriteString(s.Key + "\n")
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	if r := cmd.end(t); r.status != exitOK {
		t.Errorf("%+v", r)
	}
}

// A key file has the access of the ring and no more, whatever the directory gives its files.
func TestKeyFileHasTheRingsAccess(t *testing.T) {
	testproc.NeedRoot(t)
	dir := memoryDir(t)
	if err := errors.Join(os.Chown(dir, 0, 5000), os.Chmod(dir, 0o755|os.ModeSetgid)); err != nil {
		t.Fatal(err)
	}
	reads := func(path string, uid, gid uint32) bool {
		cmd := testproc.Command("cat", path)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
		return cmd.Run() == nil
	}
	type who struct{ uid, gid uint32 }
	for what, c := range map[string]struct {
		flags   []string
		readers []who
	}{
		"this user": {nil, nil},
		"the group": {[]string{"--mode", "0640"}, []who{{5001, 0}}},
		"all":       {[]string{"--mode", "0604"}, []who{{5001, 5001}, {5002, 5002}, {5000, 5000}, {5003, 5003}}},
		"lists":     {[]string{"--allow-uid", "5001", "--read-gid", "5003"}, []who{{5001, 0}, {5001, 5001}, {5003, 5003}}},
		"no group":  {[]string{"--mode", "0620"}, nil}, // writing alone is nothing
	} {
		t.Run(what, func(t *testing.T) {
			file := filepath.Join(dir, "key")
			_, _, cmd := serving(t, append([]string{"--size", "64KiB", "--backend", "memfd", "--dir", dir, "--key-file", file}, c.flags...)...)
			for range 2 { // also when it was removed, and is there again
				for _, one := range []who{{5000, 5000}, {5001, 0}, {5001, 5001}, {5002, 5002}, {5003, 5003}} {
					want := false
					for _, r := range c.readers {
						want = want || r == one
					}
					if got := reads(file, one.uid, one.gid); got != want {
						t.Errorf("user %d of group %d reads it: %v", one.uid, one.gid, got)
					}
				}
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
				for end := time.Now().Add(patience); !there(file); time.Sleep(5 * time.Millisecond) {
					if time.Now().After(end) {
						t.Fatal("the key file is not there again")
					}
				}
			}
			ends(t, cmd, syscall.SIGTERM)
		})
	}
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
