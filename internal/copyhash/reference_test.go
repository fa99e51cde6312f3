package copyhash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// The reference implementation agrees, by its command line tool.
func TestAgreesWithXxhsum(t *testing.T) {
	testproc.NeedTools(t, "xxhsum")
	data := noise(24883200)
	for _, n := range []int{0, 1, 3, 8, 9, 16, 17, 128, 129, 240, 241, 1024, 1025, Block, Block + 1, 1 << 20, 6220800, len(data)} {
		name := filepath.Join(t.TempDir(), "data")
		if err := os.WriteFile(name, data[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := testproc.Command("xxhsum", "-H3", name).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, k := range Kernels() { // the tool's output looks different from version to version
			if want := fmt.Sprintf("%016x", k.Sum(data[:n])); !strings.Contains(string(out), want) {
				t.Errorf("%v, %d bytes: %s, xxhsum says %s", k, n, want, out)
			}
		}
	}
}
