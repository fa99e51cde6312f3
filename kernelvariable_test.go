package framebuffer

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
)

// A FRAMEBUFFER_KERNEL that names no kernel of this machine is said through the logger, and everything
// works. Stats name the kernel in use.
func TestKernelVariable(t *testing.T) {
	for _, name := range []string{"", "portable", "avx9", "neon\n", strings.Repeat("x", 10000)} {
		t.Setenv(copyhash.Variable, name)
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, nil))
		server, err := NewServer(1<<20, &ServerOptions{Logger: logger})
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		client, err := Attach(server.Key(), &ClientOptions{Logger: logger})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		want := 2
		if name == "" || name == "portable" {
			want = 0
		}
		if got := strings.Count(log.String(), copyhash.Variable); got != want && got != 2*want {
			t.Errorf("%d records for %.20q:\n%s", got, name, &log)
		}
		f, err := client.Put(make([]byte, 5000))
		if err != nil {
			t.Fatal(err)
		}
		if err := client.ReadInto(make([]byte, 5000), f.Offset, f.Checksum); err != nil {
			t.Error(err)
		}
		if st := client.Stats(); !slices.ContainsFunc(copyhash.Kernels(), func(k copyhash.Kernel) bool { return k.String() == st.Kernel }) {
			t.Errorf("kernel %q", st.Kernel)
		}
	}
}
