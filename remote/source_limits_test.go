package remote

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"testing"
	"testing/fstest"

	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// One requester leaves room for others, and all together have no more than there is.
func TestLimiter(t *testing.T) {
	r := newLimiter("things", 8)
	var leave []func()
	fill := func(requester string, n int) {
		t.Helper()
		for range n {
			l, err := r.enter(requester)
			if err != nil {
				t.Fatal(err)
			}
			leave = append(leave, l)
		}
	}
	full := func(requester string) {
		t.Helper()
		if _, err := r.enter(requester); !errors.Is(err, ErrBusy) || wire.CodeOf(err) != "BUSY" {
			t.Errorf("%s: %v", requester, err)
		}
	}
	fill("a", 2)
	full("a")
	for i := range 3 {
		fill(strconv.Itoa(i), 2)
	}
	full("b")
	for _, l := range leave {
		l()
	}
	if len(r.byRequester) != 0 || r.all != 0 {
		t.Errorf("%d, %v are left", r.all, r.byRequester)
	}
	fill("a", 2)
}

// Even if each stream took a thread, they would leave most of those that the process may have.
func TestMaxStreams(t *testing.T) {
	group := func(most string) fs.FS {
		return fstest.MapFS{
			"proc/self/cgroup":                {Data: []byte("0::/a\n")},
			"sys/fs/cgroup/a/pids.max":        {Data: []byte(most + "\n")},
			"sys/fs/cgroup/a/pids.current":    {Data: []byte("7\n")},
			"sys/fs/cgroup/a/memory.max":      {Data: []byte("5\n")},
			"sys/fs/cgroup/pids.max":          {Data: []byte("max\n")},
			"sys/fs/cgroup/a/unrelated.limit": {Data: []byte("1\n")},
		}
	}
	for most, want := range map[string]int{"2048": 512, "100": 25, "10": fewestStreams} {
		if got := maxStreams(group(most)); got != want {
			t.Errorf("pids.max %s: %d streams", most, got)
		}
	}
	for _, root := range []fs.FS{group("max"), group("9223372036854775807"), fstest.MapFS{}, os.DirFS("/")} {
		if got := maxStreams(root); got > mostStreams || got < fewestStreams {
			t.Errorf("%d streams", got)
		}
	}
}
