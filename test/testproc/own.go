package testproc

import (
	"fmt"
	"os"
	"testing"
)

// Run runs a package's tests with a directory of their own for what servers put there that are told
// no directory: nothing outside of it is used, made or looked at.
func Run(m *testing.M) (status int) {
	dir, err := os.MkdirTemp("", "fb-") // short: a socket's path has 107 bytes
	if err == nil {
		err = os.Setenv("XDG_RUNTIME_DIR", dir)
	}
	if err == nil {
		err = os.Unsetenv("FRAMEBUFFER_DIR")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testproc: a directory for servers:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	return m.Run()
}
