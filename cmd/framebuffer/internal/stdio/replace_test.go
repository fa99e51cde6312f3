package stdio

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// onThread runs do on a thread of its own, which ends with it, and all that do changes of it.
func onThread(do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked
		done <- do()
	}()
	return <-done
}

// A file that may be written to is written also where no other can come in its place, and nothing
// is left beside it.
func TestWriteFileThatCannotBeReplaced(t *testing.T) {
	testproc.NeedRoot(t)
	for name, c := range map[string]struct {
		mode    os.FileMode // of the directory
		prepare func(file string) error
	}{
		"mounted by itself": {0o700, func(file string) error {
			if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
				return err
			}
			if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
				return err
			}
			return unix.Mount(file, file, "", unix.MS_BIND, "")
		}},
		"of another user in a directory such as /tmp": {0o777 | os.ModeSticky, func(string) error {
			if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, 65534, 65534, 65534); e != 0 { // this thread's alone
				return e
			}
			return nil
		}},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "file")
		if err := os.WriteFile(file, []byte("before"), 0o600); err != nil {
			t.Fatal(err)
		}
		for path, mode := range map[string]os.FileMode{filepath.Dir(dir): 0o755, dir: c.mode, file: 0o666} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		before, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		err = onThread(func() error {
			if err := c.prepare(file); err != nil {
				return err
			}
			return WriteFile(file, []byte("one"), 0o644)
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		after, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != "one" || !os.SameFile(before, after) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
			t.Errorf("%s: left %v, %v", name, all, err)
		}
	}
}
