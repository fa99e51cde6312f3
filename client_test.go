package framebuffer_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
)

func TestPutGet(t *testing.T) {
	_, c := ringtest.Serve(t, 1<<20)
	for _, n := range []int{1, 63, 64, 65, 4096, 1<<18 + 1, 1<<20 - 64} {
		data := bytes.Repeat([]byte{byte(n), 7}, n)[:n]
		f, err := c.Put(data)
		if err != nil {
			t.Fatal(err)
		}
		if f.Key != c.Key() || f.Size != n || f.Checksum != framebuffer.ChecksumOf(data) {
			t.Errorf("frame %v", f)
		}
		got, err := c.Get(f)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: %v", n, err)
		}
		got[0]++ // the slice is the caller's
		if again, err := c.Get(f); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%d bytes again: %v", n, err)
		}
	}
}

func TestServerAllocatesForClients(t *testing.T) {
	s, writer := ringtest.Serve(t, 1<<20)
	reader := ringtest.Attach(t, s.Key())
	offset, err := s.Allocate(100)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := writer.Write(offset, []byte("shorter than it may be"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := reader.Read(offset, 22, sum)
	if err != nil || string(got) != "shorter than it may be" {
		t.Errorf("%q, %v", got, err)
	}
	if sum, err = writer.Write(offset, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := reader.Read(offset, 0, sum); err != nil || len(got) != 0 {
		t.Errorf("empty: %q, %v", got, err)
	}
}

func TestSizesARingCannotHave(t *testing.T) {
	for size, want := range map[int64]error{
		0:             framebuffer.ErrBadSize,
		-1:            framebuffer.ErrBadSize,
		math.MinInt64: framebuffer.ErrBadSize,
		1 << 45:       framebuffer.ErrNoMemory,
		math.MaxInt64: framebuffer.ErrNoMemory,
	} {
		s, err := framebuffer.NewServer(size, nil)
		if !errors.Is(err, want) {
			t.Errorf("%d bytes: %v, want %v", size, err, want)
		}
		if err == nil {
			s.Close()
		}
	}
	if _, err := framebuffer.NewServer(1, &framebuffer.ServerOptions{Backend: "carrier pigeon"}); err == nil {
		t.Error("an unknown backend was accepted")
	}
	s, err := framebuffer.NewServer(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := s.Stats().Capacity; got != uint64(os.Getpagesize()) {
		t.Errorf("a ring of 1 byte became one of %d", got)
	}
}

func TestArgumentsAreChecked(t *testing.T) {
	_, c := ringtest.Serve(t, 1<<16)
	offset, err := c.Allocate(100)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := c.Write(offset, make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	allocate := func(n int) error { _, err := c.Allocate(n); return err }
	write := func(o uint64, n int) error { _, err := c.Write(o, make([]byte, n)); return err }
	read := func(o uint64, n int) error { _, err := c.Read(o, n, sum); return err }
	get := func(f framebuffer.Frame) error { _, err := c.Get(f); return err }
	put := func(n int) error { _, err := c.Put(make([]byte, n)); return err }
	for name, got := range map[string]struct{ err, want error }{
		"allocate 0":               {allocate(0), framebuffer.ErrBadSize},
		"allocate -1":              {allocate(-1), framebuffer.ErrBadSize},
		"allocate the whole ring":  {allocate(1 << 16), framebuffer.ErrTooLarge},
		"allocate more than int32": {allocate(math.MaxInt), framebuffer.ErrTooLarge},
		"put nothing":              {put(0), framebuffer.ErrBadSize},
		"put too much":             {put(1 << 16), framebuffer.ErrTooLarge},
		"write 101 of 100":         {write(offset, 101), framebuffer.ErrTooLong},
		"write more than the ring": {write(offset, 1<<17), framebuffer.ErrTooLong},
		"write at 0":               {write(0, 1), framebuffer.ErrBadOffset},
		"write at 1":               {write(1, 1), framebuffer.ErrBadOffset},
		"write off by one":         {write(offset+1, 1), framebuffer.ErrBadOffset},
		"write behind head":        {write(offset+1<<15, 1), framebuffer.ErrBadOffset},
		"write at 2^63":            {write(1<<63, 1), framebuffer.ErrBadOffset},
		"read -1":                  {read(offset, -1), framebuffer.ErrBadSize},
		"read 101 of 100":          {read(offset, 101), framebuffer.ErrBadSize},
		"read more than the ring":  {read(offset, 1<<20), framebuffer.ErrBadSize},
		"read max":                 {read(offset, math.MaxInt), framebuffer.ErrBadSize},
		"read at 0":                {read(0, 1), framebuffer.ErrBadOffset},
		"read off by one":          {read(offset-1, 1), framebuffer.ErrBadOffset},
		"read at 2^64-64":          {read(math.MaxUint64-63, 1), framebuffer.ErrBadOffset},
		"read 99 of 100":           {read(offset, 99), framebuffer.ErrTimeout},
		"get of another ring":      {get(framebuffer.Frame{Key: "fb4_other", Offset: offset, Size: 100, Checksum: sum}), framebuffer.ErrBadKey},
	} {
		if !errors.Is(got.err, got.want) {
			t.Errorf("%s: %v, want %v", name, got.err, got.want)
		}
	}
	if got, err := c.Read(offset, 100, sum); err != nil || len(got) != 100 {
		t.Errorf("after all that the frame is gone: %v", err)
	}
}

func TestTimeout(t *testing.T) {
	_, c := ringtest.Serve(t, 1<<16)
	old, err := c.Put(make([]byte, 1000))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Allocate(1<<16 - 64); err != nil {
		t.Fatal(err)
	}
	_, err = c.Get(old)
	_, werr := c.Write(old.Offset, make([]byte, 1000))
	for _, err := range []error{err, werr} {
		var timeout interface{ Timeout() bool }
		if !errors.Is(err, framebuffer.ErrTimeout) || !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("a reused chunk: %v", err)
		}
	}
	f, err := c.Put(make([]byte, 1000))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(f.Offset, make([]byte, 999)); err != nil { // zeroes too, but other data
		t.Fatal(err)
	}
	if _, err := c.Read(f.Offset, 999, f.Checksum); !errors.Is(err, framebuffer.ErrTimeout) {
		t.Errorf("a chunk that was written again: %v", err)
	}
	st := c.Stats().Total
	if st.Overwritten != 2 || st.Altered != 1 {
		t.Errorf("counted %+v", st)
	}
}

func TestReadOnly(t *testing.T) {
	s, w := ringtest.Serve(t, 1<<16)
	f, err := w.Put([]byte("look, don't touch"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := framebuffer.Attach(s.Key(), &framebuffer.ClientOptions{ReadOnly: true, Name: "looker"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := r.Get(f); err != nil || string(got) != "look, don't touch" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := r.Allocate(1); !errors.Is(err, framebuffer.ErrReadOnly) {
		t.Errorf("allocate: %v", err)
	}
	if _, err := r.Write(f.Offset, nil); !errors.Is(err, framebuffer.ErrReadOnly) {
		t.Errorf("write: %v", err)
	}
	if _, err := r.Put([]byte{1}); !errors.Is(err, framebuffer.ErrReadOnly) {
		t.Errorf("put: %v", err)
	}
}

func TestErrorsAreTheStandardLibrarysToo(t *testing.T) {
	for _, e := range []struct{ ours, std error }{
		{framebuffer.ErrTimeout, os.ErrDeadlineExceeded},
		{framebuffer.ErrClosed, fs.ErrClosed},
		{framebuffer.ErrPermission, fs.ErrPermission},
	} {
		if !errors.Is(e.ours, e.std) || errors.Is(e.std, e.ours) {
			t.Errorf("%v and %v", e.ours, e.std)
		}
	}
}

// Neither writing, nor filling in place, nor reading into one's own memory allocates.
func TestHotPathDoesNotAllocate(t *testing.T) {
	_, c := ringtest.Serve(t, 1<<20)
	data, dst := make([]byte, 100_000), make([]byte, 100_000)
	if n := testing.AllocsPerRun(100, func() {
		offset, err := c.Allocate(len(data))
		if err != nil {
			t.Fatal(err)
		}
		sum, err := c.Write(offset, data)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.ReadInto(dst, offset, sum); err != nil {
			t.Fatal(err)
		}
		place, err := c.Reserve(len(data)) // which stays with its maker
		if err != nil {
			t.Fatal(err)
		}
		if _, err := place.Commit(len(data)); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per frame", n)
	}
}
