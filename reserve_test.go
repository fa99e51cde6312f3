package framebuffer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
)

// What is filled in place, by hand, through an encoder or from a reader, is what is read.
func TestReserveAndCommit(t *testing.T) {
	s, c := ringtest.Serve(t, 1<<20)
	reader := ringtest.Attach(t, s.Key())
	for name, fill := range map[string]func(*framebuffer.Reservation) (string, error){
		"by hand": func(r *framebuffer.Reservation) (string, error) {
			return "pixels", errors.Join(nil, errIf(copy(r.Bytes(), "pixels") != 6))
		},
		"encoder": func(r *framebuffer.Reservation) (string, error) {
			return "{\"a\":1}\n", json.NewEncoder(r).Encode(map[string]int{"a": 1})
		},
		"reader": func(r *framebuffer.Reservation) (string, error) {
			_, err := io.Copy(r, strings.NewReader("from a reader"))
			return "from a reader", err
		},
		"ReadFull": func(r *framebuffer.Reservation) (string, error) {
			_, err := io.ReadFull(strings.NewReader(strings.Repeat("x", 1000)), r.Bytes())
			return strings.Repeat("x", 1000), err
		},
	} {
		r, err := c.Reserve(1000)
		if err != nil {
			t.Fatal(err)
		}
		want, err := fill(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		f, err := r.Commit(max(r.Len(), len(want)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if f.Checksum != framebuffer.ChecksumOf([]byte(want)) || f.Offset != r.Offset() || f.Size != len(want) {
			t.Errorf("%s: committed %v", name, f)
		}
		if got, err := reader.Get(f); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func errIf(bad bool) error {
	if bad {
		return errors.New("short")
	}
	return nil
}

func TestReservationEnds(t *testing.T) {
	_, c := ringtest.Serve(t, 1<<16)
	r, err := c.Reserve(100)
	if err != nil {
		t.Fatal(err)
	}
	commit := func(n int) error { _, err := r.Commit(n); return err }
	if err := commit(0); !errors.Is(err, framebuffer.ErrBadSize) {
		t.Errorf("committed nothing: %v", err)
	}
	if err := commit(101); !errors.Is(err, framebuffer.ErrTooLong) {
		t.Errorf("committed too much: %v", err)
	}
	if n, err := r.Write(make([]byte, 60)); n != 60 || err != nil {
		t.Errorf("wrote %d, %v", n, err)
	}
	if n, err := r.Write(make([]byte, 60)); n != 0 || !errors.Is(err, framebuffer.ErrTooLong) || r.Len() != 60 {
		t.Errorf("wrote %d too many, %v", n, err)
	}
	if n, err := r.ReadFrom(bytes.NewReader(make([]byte, 60))); n != 40 || !errors.Is(err, framebuffer.ErrTooLong) || r.Len() != 100 {
		t.Errorf("read %d, %v", n, err)
	}
	if n, err := r.ReadFrom(bytes.NewReader(nil)); n != 0 || err != nil {
		t.Errorf("read %d of nothing, %v", n, err)
	}
	if err := commit(100); err != nil {
		t.Errorf("errors of before count: %v", err)
	}
	_, write := r.Write([]byte("x"))
	_, read := r.ReadFrom(strings.NewReader("x"))
	r.Abort()
	for what, err := range map[string]error{"commit": commit(1), "write": write, "read": read} {
		if !errors.Is(err, framebuffer.ErrClosed) {
			t.Errorf("%s after the end: %v", what, err)
		}
	}
	if r.Bytes() != nil {
		t.Error("bytes after the end")
	}
	if r, err = c.Reserve(100); err != nil {
		t.Fatal(err)
	}
	r.Abort()
	if err := commit(1); !errors.Is(err, framebuffer.ErrClosed) {
		t.Errorf("committed after Abort: %v", err)
	}
}

// A frame that was committed without a checksum is for those who said that they trust it.
func TestCommitUnverified(t *testing.T) {
	s, c := ringtest.Serve(t, 1<<16)
	r, err := c.Reserve(1000)
	if err != nil {
		t.Fatal(err)
	}
	copy(r.Bytes(), "unhashed")
	f, err := r.CommitUnverified(8)
	if err != nil || f.Checksum != 0 {
		t.Fatal(f, err)
	}
	look := func(p []byte) error { return errIf(string(p) != "unhashed") }
	if err := c.View(f, look); !errors.Is(err, framebuffer.ErrTimeout) {
		t.Errorf("viewed: %v", err)
	}
	if _, err := c.Get(f); !errors.Is(err, framebuffer.ErrTimeout) {
		t.Errorf("read: %v", err)
	}
	trusting, err := framebuffer.Attach(s.Key(), &framebuffer.ClientOptions{Unverified: true})
	if err != nil {
		t.Fatal(err)
	}
	defer trusting.Close()
	if err := trusting.View(f, look); err != nil {
		t.Errorf("viewed by who trusts: %v", err)
	}
}

// A reservation does not stop the ring, and is told.
func TestReservationIsLapped(t *testing.T) {
	_, c := ringtest.Serve(t, 1<<16)
	r, err := c.Reserve(1000)
	if err != nil {
		t.Fatal(err)
	}
	ringtest.Fill(t, c)
	if _, err := r.Commit(1000); !errors.Is(err, framebuffer.ErrTimeout) {
		t.Errorf("committed after a lap: %v", err)
	}
	if got := c.Stats().Total; got.Overwritten != 1 || got.Writes == 0 {
		t.Errorf("counted %+v", got)
	}
}

// An end that a source has wrapped says that something is missing, and is no end.
func TestReservationOfACutOffSource(t *testing.T) {
	_, c := ringtest.Serve(t, 1<<16)
	r, err := c.Reserve(100)
	if err != nil {
		t.Fatal(err)
	}
	cut := fmt.Errorf("cut off: %w", io.EOF)
	if n, err := r.ReadFrom(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(cut))); n != 4 || !errors.Is(err, cut) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// waits is a source that has the ring go round before its second piece comes.
type waits struct {
	t     *testing.T
	c     *framebuffer.Client
	reads int
}

func (w *waits) Read(p []byte) (int, error) {
	if w.reads++; w.reads == 2 {
		ringtest.Fill(w.t, w.c)
	}
	return len(p), nil
}

// A reservation that is filled too slowly ends after the block that was under way: it goes on
// over nobody's frames.
func TestReservationIsFilledTooSlowly(t *testing.T) {
	_, c := ringtest.Serve(t, 1<<20)
	r, err := c.Reserve(500_000)
	if err != nil {
		t.Fatal(err)
	}
	src := &waits{t: t, c: c}
	if n, err := r.ReadFrom(src); n != 2<<16 || !errors.Is(err, framebuffer.ErrTimeout) || src.reads != 2 {
		t.Errorf("%d bytes in %d reads: %v", n, src.reads, err)
	}
	_, write := r.Write([]byte("x"))
	_, read := r.ReadFrom(src)
	_, commit := r.Commit(1)
	for what, err := range map[string]error{"write": write, "read": read, "commit": commit} {
		if !errors.Is(err, framebuffer.ErrTimeout) {
			t.Errorf("%s after that: %v", what, err)
		}
	}
	if got := c.Stats().Total; got.Overwritten != 1 {
		t.Errorf("counted %+v", got)
	}
	if r, err = c.Reserve(1000); err != nil {
		t.Fatal(err)
	}
	ringtest.Fill(t, c)
	if n, err := r.Write([]byte("spoilt")); n != 0 || !errors.Is(err, framebuffer.ErrTimeout) {
		t.Errorf("wrote %d bytes after a lap: %v", n, err)
	}
}

// After the client's Close nothing goes into a reservation.
func TestReservationOfAClosedClient(t *testing.T) {
	s, _ := ringtest.Serve(t, 1<<16)
	c, err := framebuffer.Attach(s.Key(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Reserve(100)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Write([]byte("x")); n != 0 || !errors.Is(err, framebuffer.ErrClosed) {
		t.Errorf("wrote %d bytes: %v", n, err)
	}
}

// Code that keeps the slice of a reservation and stores to it after Commit spoils a frame:
// its own at first, whose readers are told, and never unnoticed.
func TestSliceKeptAfterCommit(t *testing.T) {
	_, c := ringtest.Serve(t, 1<<16)
	r, err := c.Reserve(1000)
	if err != nil {
		t.Fatal(err)
	}
	kept := r.Bytes()
	f, err := r.Commit(1000)
	if err != nil {
		t.Fatal(err)
	}
	kept[500] ^= 1
	if _, err := c.Get(f); !errors.Is(err, framebuffer.ErrTimeout) {
		t.Errorf("read a spoilt frame: %v", err)
	}
	ringtest.Fill(t, c)
	other, err := c.Put(make([]byte, 1<<16-64)) // lies over everything
	if err != nil {
		t.Fatal(err)
	}
	for i := range kept {
		kept[i] ^= 1
	}
	if _, err := c.Get(other); !errors.Is(err, framebuffer.ErrTimeout) {
		t.Errorf("read somebody else's spoilt frame: %v", err)
	}
}

func TestReserveRefuses(t *testing.T) {
	s, c := ringtest.Serve(t, 1<<16)
	ro, err := framebuffer.Attach(s.Key(), &framebuffer.ClientOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	r, err := c.Reserve(100)
	if err != nil {
		t.Fatal(err)
	}
	reserve := func(c *framebuffer.Client, n int) error { _, err := c.Reserve(n); return err }
	if err := reserve(c, 0); !errors.Is(err, framebuffer.ErrBadSize) {
		t.Error(err)
	}
	if err := reserve(c, 1<<16); !errors.Is(err, framebuffer.ErrTooLarge) {
		t.Error(err)
	}
	// Who does not look at the error gets another one.
	if refused, err := c.Reserve(0); err == nil {
		t.Error("reserved nothing")
	} else if _, err := refused.Commit(1); !errors.Is(err, framebuffer.ErrClosed) {
		t.Errorf("committed what was refused: %v", err)
	}
	if err := reserve(ro, 1); !errors.Is(err, framebuffer.ErrReadOnly) {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Commit(100); !errors.Is(err, framebuffer.ErrClosed) {
		t.Errorf("committed after the server's Close: %v", err)
	}
	if err := reserve(c, 1); !errors.Is(err, framebuffer.ErrClosed) {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := reserve(c, 1); !errors.Is(err, framebuffer.ErrClosed) {
		t.Error(err)
	}
}
