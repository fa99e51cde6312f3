package system_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// moved is the key of a memfd server whose socket lies in another directory, as a client sees it
// that has not mounted the server's.
func moved(t *testing.T, key string) string {
	t.Helper()
	f := strings.Split(key, "_")
	path, err := hex.DecodeString(f[2])
	if err != nil || f[1] != "memfd" {
		t.Fatal(key, err)
	}
	front := fmt.Sprintf("%s_memfd_%x_%s", f[0], filepath.Join("/made", filepath.Base(string(path))), f[3])
	return fmt.Sprintf("%s_%08x", front, uint32(copyhash.Sum([]byte(front))))
}

// A client that does not see the server's directory attaches by the network namespace that the two
// share; when the server has ended there is nothing to attach to.
func TestAttachWithoutTheDirectory(t *testing.T) {
	s, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Backend: "memfd", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	key := moved(t, s.Key())
	writer := ringtest.Attach(t, key)
	f, err := writer.Put([]byte("frame"))
	if err != nil {
		t.Fatal(err)
	}
	reader, err := framebuffer.Attach(s.Key(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if got, err := reader.Read(f.Offset, f.Size, f.Checksum); err != nil || string(got) != "frame" {
		t.Errorf("%q, %v", got, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err := framebuffer.Attach(key, nil); !errors.Is(err, framebuffer.ErrStaleKey) {
		t.Errorf("attached %v, %v", c, err)
	}
}

// A process of another user that listens at the abstract name which a server had, or would have, is
// not believed and not asked.
func TestAnotherUsersAbstractNameIsNotBelieved(t *testing.T) {
	testproc.NeedRoot(t)
	for _, reader := range []uint32{0, 5002} {
		path := fmt.Sprintf("/made/%016x.fb", os.Getpid()<<16+int(reader))
		name := "@framebuffer/" + strings.TrimSuffix(filepath.Base(path), ".fb")
		p := testproc.StartWith(t, []testproc.Option{member(5001, 5001)}, "pose", name)
		var said string
		p.Recv(&said)
		client := testproc.StartWith(t, []testproc.Option{member(reader, reader)}, "attach", memfdKey(path))
		var got attachResult
		client.Recv(&got)
		client.Done()
		if !got.Permission || !strings.Contains(got.Err, "is a process of user 5001") {
			t.Errorf("a client of user %d: %+v", reader, got)
		}
		asked := -1
		if p.Recv(&asked); asked != 0 {
			t.Errorf("%d bytes were sent to it", asked)
		}
	}
}
