package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// Another process that shares a command's output, or its input, makes it one that does not block:
// what the command writes is whole all the same.
func TestOutputThatDoesNotBlock(t *testing.T) {
	name, _, _ := serving(t, "--size", "64MiB")
	frame := strings.Repeat("0123456789abcde\n", 1<<17)
	put := runCommand(t, frame, "put", "--name", name, "-")
	for what, c := range map[string]struct {
		args []string
		in   string
		want string
	}{
		"get":   {[]string{"get", put.out}, "", frame},
		"get -": {[]string{"get", "-"}, put.out, frame},
		"sub":   {[]string{"sub", "cam", "--name", name, "--from", "oldest"}, "", frame + frame},
	} {
		if what == "sub" {
			runHere(t, frame+frame, "pub", "cam", "--name", name, "--frame-size", "2097152")
		}
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := command(c.args...)
		cmd.Stdout, cmd.Stderr = write, os.Stderr
		in, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.WriteString(c.in); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		cmd.Stdin = in
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// As soon as something has come, the process has made its files of the descriptors.
		first := make([]byte, 1)
		if _, err := io.ReadFull(read, first); err != nil {
			t.Fatal(err)
		}
		if err := unix.SetNonblock(int(write.Fd()), true); err != nil {
			t.Fatal(err)
		}
		_ = write.Close()
		rest, err := io.ReadAll(read)
		if got := string(first) + string(rest); err != nil || got != c.want {
			t.Errorf("%s: %d bytes of %d arrived, %v", what, len(got), len(c.want), err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		_, _ = read.Close(), in.Close()
	}
}

// A publisher's input that does not block, and comes in pieces, is waited for.
func TestInputThatDoesNotBlock(t *testing.T) {
	name, _, _ := serving(t, "--size", "1MiB")
	for _, args := range [][]string{{"put", "-"}, {"pub", "t", "--frame-size", "5"}} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.SetNonblock(int(read.Fd()), true); err != nil {
			t.Fatal(err)
		}
		cmd := command(append(args, "--name", name)...)
		cmd.Stdin = read
		var complaints bytes.Buffer
		cmd.Stderr = &complaints
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"he", "llo"} {
			for waiting(t, read) > 0 {
			}
			if _, err := write.WriteString(part); err != nil {
				t.Fatal(err)
			}
		}
		_ = write.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v, %s", args, err, complaints.String())
		}
		_ = read.Close()
	}
}

// A disk that is full leaves nothing under a new name, and the old file under an old one.
func TestGetToAFullDisk(t *testing.T) {
	testproc.NeedTools(t, "unshare")
	name, _, _ := serving(t, "--size", "8MiB")
	put := runCommand(t, strings.Repeat("x", 1<<20), "put", "--name", name, "-")
	dir := t.TempDir()
	script := `set -e
mount -t tmpfs -o size=64k none "$1"
cd "$1"
echo old > old
for file in new old; do
	if "$2" get "$3" -o $file 2>> complaints; then echo "$file was written"; fi
done
ls -A; cat old; cat complaints`
	cmd := testproc.Command("unshare", "-Urm", "sh", "-c", script, "sh", dir, "/proc/self/exe", strings.TrimSpace(put.out))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Args[len(cmd.Args)-2] = self
	cmd.Env = append(os.Environ(), "FRAMEBUFFER_TEST_COMMAND=1")
	r := resultOf(t, cmd, "")
	denied := r.status != 0 && strings.Contains(r.err, "unshare")
	testproc.Need(t, !denied, "root, or user namespaces for every user")
	if !strings.HasPrefix(r.out, "complaints\nold\nold\n") || strings.Count(r.out, "no space left") != 2 {
		t.Errorf("%+v", r)
	}
	if all, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(all) > 0 {
		t.Fatalf("the mount is not of a namespace of its own: %v", all)
	}
}
