package stdio

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Who shares a pipe may make it one that does not block, at any time: nothing is torn.
func TestNonBlocking(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// As standard output is: os.Pipe's files know how to wait.
	read, write := plain(t, r), plain(t, w)
	if err := unix.SetNonblock(int(w.Fd()), true); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(int(r.Fd()), true); err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16)
	if n, err := write.Write(data); err == nil {
		t.Fatalf("a plain file writes %d bytes to a pipe of 64 KiB: this test tests nothing", n)
	}
	if _, err := io.CopyN(io.Discard, r, 64<<10); err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for name, put := range map[string]func(File) error{
		"Write":       func(f File) error { _, err := f.Write(data); return err },
		"WriteString": func(f File) error { _, err := io.WriteString(f, text); return err },
		"Copy":        func(f File) error { _, err := io.Copy(f, bytes.NewReader(data)); return err },
	} {
		done := make(chan error, 1)
		go func() { done <- put(File{write}) }()
		got := make([]byte, len(data))
		if _, err := io.ReadFull(File{read}, got); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: what arrived is not what was written: %v", name, err)
		}
		if err := <-done; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := read.Read(make([]byte, 1)); err == nil {
		t.Fatal("a plain file waits: this test tests nothing")
	}
	go func() { // while File waits, which no event shows
		time.Sleep(10 * time.Millisecond)
		_, _ = File{write}.Write([]byte("late"))
		_ = write.Close()
		_ = w.Close()
	}()
	if got, err := io.ReadAll(File{read}); string(got) != "late" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := (File{write}).Write([]byte("x")); err == nil {
		t.Error("writing to a closed file succeeds")
	}
}

// plain is the file as os.NewFile makes it of one that blocks.
func plain(t *testing.T, f *os.File) *os.File {
	t.Helper()
	if err := unix.SetNonblock(int(f.Fd()), false); err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	p := os.NewFile(uintptr(fd), f.Name())
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	is := func(name, want string) {
		t.Helper()
		if got, err := os.ReadFile(at(name)); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
	}
	umask := syscall.Umask(0o027)
	defer syscall.Umask(umask)
	must(WriteFile(at("new"), []byte("one"), 0o644))
	is("new", "one")
	if st, err := os.Stat(at("new")); err != nil || st.Mode() != 0o640 {
		t.Errorf("a new file has mode %v, %v", st.Mode(), err)
	}
	must(os.Chmod(at("new"), 0o604))
	before, err := os.Open(at("new"))
	must(err)
	defer before.Close()
	must(os.Symlink("new", at("link")))
	must(os.Symlink("absent", at("dangling")))
	must(WriteFile(at("link"), []byte("two"), 0o644))
	is("new", "two")
	if st, err := os.Lstat(at("link")); err != nil || st.Mode()&os.ModeSymlink == 0 {
		t.Errorf("a link is replaced: %v, %v", st.Mode(), err)
	}
	if st, err := os.Stat(at("new")); err != nil || st.Mode() != 0o604 {
		t.Errorf("an old file has mode %v, %v", st.Mode(), err)
	}
	if got, err := io.ReadAll(before); string(got) != "one" || err != nil {
		t.Errorf("the old file is written to: %q, %v", got, err)
	}
	must(WriteFile(at("dangling"), []byte("three"), 0o644))
	is("absent", "three")
	must(WriteFile("/dev/null", []byte("four"), 0o644))
	if st, err := os.Stat("/dev/null"); err != nil || st.Mode()&os.ModeCharDevice == 0 {
		t.Fatalf("/dev/null is replaced: %v, %v", st.Mode(), err)
	}
	must(unix.Mkfifo(at("pipe"), 0o600))
	got := make(chan string, 1)
	go func() { b, _ := os.ReadFile(at("pipe")); got <- string(b) }()
	must(WriteFile(at("pipe"), []byte("five"), 0o644))
	if s := <-got; s != "five" {
		t.Errorf("the pipe had %q", s)
	}
	open, err := os.Create(at("descriptor"))
	must(err)
	defer open.Close()
	must(WriteFile("/proc/self/fd/"+strconv.Itoa(int(open.Fd())), []byte("six"), 0o644))
	is("descriptor", "six")
	if same, err := os.Stat(at("descriptor")); err != nil || !os.SameFile(same, stat(t, open)) {
		t.Error("a file that is named by a descriptor is replaced")
	}
	for _, bad := range []string{dir, at("none/x"), at("new/x")} {
		if err := WriteFile(bad, []byte("x"), 0o644); err == nil {
			t.Errorf("%s can be written", bad)
		}
	}
	if all, err := filepath.Glob(at(".framebuffer-*")); err != nil || len(all) > 0 {
		t.Errorf("%v is left, %v", all, err)
	}
}

func stat(t *testing.T, f *os.File) os.FileInfo {
	t.Helper()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return st
}
