package shm_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/shm"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// The name in the directory for temporary files is there for every user to take first.
func TestDefaultDirectoryOfAnother(t *testing.T) {
	t.Setenv(shm.DirVariable, "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	create := func() error {
		s, err := shm.Memfd{}.Create(shm.Spec{Control: 1 << 16, Ring: 1 << 16})
		if err == nil {
			err = s.Close()
		}
		return err
	}
	for name, c := range map[string]struct {
		prepare func(dir string) error
		says    string // "" for what is taken
	}{
		"none yet":          {func(string) error { return nil }, ""},
		"this user's":       {func(dir string) error { return os.Mkdir(dir, 0o700) }, ""},
		"readable":          {func(dir string) error { return os.Mkdir(dir, 0o755) }, ""},
		"writable by group": {func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o770)) }, "mode 0770"},
		"writable by all":   {func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o702|os.ModeSticky)) }, "mode 0702"},
		"a link":            {func(dir string) error { return os.Symlink(t.TempDir(), dir) }, "is a symbolic link"},
		"a link to nothing": {func(dir string) error { return os.Symlink(dir+"-none", dir) }, "is a symbolic link"},
		"a file":            {func(dir string) error { return os.WriteFile(dir, nil, 0o600) }, "is not a directory"},
		"another user's":    {func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chown(dir, 5000, 5000)) }, "belongs to user 5000"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "another user's" {
				testproc.NeedRoot(t)
			}
			tmp, err := os.MkdirTemp("", "fb") // a short path, as a socket needs
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = os.RemoveAll(tmp) }()
			t.Setenv("TMPDIR", tmp)
			dir := filepath.Join(tmp, fmt.Sprintf("framebuffer-%d", os.Getuid()))
			if err := c.prepare(dir); err != nil {
				t.Fatal(err)
			}
			err = create()
			if c.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, fberr.Permission) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), dir) {
				t.Errorf("got %v, want no permission, %q", err, c.says)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
				t.Errorf("%q were made there", left)
			}
		})
	}
}
