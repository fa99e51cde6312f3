// Package expect is for tests alone: imported for its effect, it ends the process if that
// was to run with one kernel and runs with another. The environment says with which, and
// child processes inherit it, so that neither a test nor a process that a test starts can
// be about the wrong kernel. scripts/test-kernels sets it.
package expect

import (
	"fmt"
	"os"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
)

// Variable names the environment variable; its value is a kernel's name, and nothing or an
// empty value expects nothing.
const Variable = "FRAMEBUFFER_TEST_KERNEL"

func init() {
	want := os.Getenv(Variable)
	if got := copyhash.InUse().String(); want != "" && got != want {
		fmt.Fprintf(os.Stderr, "%s=%s, but the kernel in use is %s (%s=%s GODEBUG=%s)\n",
			Variable, want, got, copyhash.Variable, os.Getenv(copyhash.Variable), os.Getenv("GODEBUG"))
		os.Exit(1)
	}
}
