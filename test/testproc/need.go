package testproc

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

const (
	// everythingVar is set by `make check`: a test that would be left out fails.
	everythingVar = "FRAMEBUFFER_TEST_EVERYTHING"
	// ciVar is set by CI, where `make test` alone leaves anything out: `make check` goes through its list.
	ciVar = "CI"
	// leftOutVar names the file in which `make test` collects what is left out, and why.
	leftOutVar = "FRAMEBUFFER_TEST_LEFT_OUT"
)

// NeedRoot is for tests that change user or namespace.
func NeedRoot(t testing.TB) {
	t.Helper()
	Need(t, os.Geteuid() == 0, "root")
}

// NeedTools is for tests that run other programs.
func NeedTools(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		_, err := exec.LookPath(name)
		Need(t, err == nil, name+", which scripts/setup installs")
	}
}

// Need leaves a test out where something that it needs is not there, and says what: in the
// test's own output, and in the list at the end of `make test`. Under `make check`, and in CI
// wherever there is no such list, the test fails instead. It is the only way to leave a test out; the linter forbids t.Skip.
func Need(t testing.TB, there bool, need string) {
	t.Helper()
	if there {
		return
	}
	file := os.Getenv(leftOutVar)
	if os.Getenv(everythingVar) != "" || os.Getenv(ciVar) != "" && file == "" {
		t.Fatalf("this test needs %s, and nothing is left out here: run scripts/setup", need)
	}
	if file != "" {
		if err := leaveOut(file, t.Name(), need); err != nil {
			t.Fatalf("needs %s, which the list of what is left out must say: %v", need, err)
		}
	}
	t.Skipf("needs %s", need)
}

// leaveOut adds a line to the list, in one write: many test processes share the file.
func leaveOut(file, test, need string) error {
	dir, err := os.Getwd() // a test runs in its package's directory
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintf(f, "%s\t%s\t%s\n", need, dir, test)
	return err
}
