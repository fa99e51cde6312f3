package system_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func TestUseAfterClose(t *testing.T) {
	s, c := ringtest.Serve(t, 1<<16)
	f, err := c.Put([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time does nothing
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err1 := c.Allocate(1)
	_, err2 := c.Write(f.Offset, nil)
	_, err3 := c.Read(f.Offset, 1, f.Checksum)
	err4 := c.ReadInto(nil, f.Offset, f.Checksum)
	_, err5 := c.Put([]byte("x"))
	_, err6 := c.Get(f)
	for i, err := range []error{err1, err2, err3, err4, err5, err6} {
		if !errors.Is(err, framebuffer.ErrClosed) || !errors.Is(err, os.ErrClosed) {
			t.Errorf("call %d after the client's Close: %v", i+1, err)
		}
	}
	if c.Key() != s.Key() || c.Stats().Capacity != 0 {
		t.Error("Key and Stats must stay harmless")
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Allocate(1); !errors.Is(err, framebuffer.ErrClosed) {
		t.Errorf("allocate after the server's Close: %v", err)
	}
}

func TestServerClose(t *testing.T) {
	s, c := ringtest.Serve(t, 1<<16)
	f, err := c.Put([]byte("the last frame"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(f.Offset, nil); !errors.Is(err, framebuffer.ErrClosed) {
		t.Errorf("write: %v", err)
	}
	if _, err := c.Allocate(1); !errors.Is(err, framebuffer.ErrClosed) {
		t.Errorf("allocate: %v", err)
	}
	if got, err := c.Get(f); err != nil || string(got) != "the last frame" {
		t.Errorf("read: %q, %v", got, err)
	}
	if !c.Stats().Closed {
		t.Error("stats do not say that the server closed")
	}
}

// Closing either side while many goroutines are at work gives them errors and nothing else.
func TestCloseWhileBusy(t *testing.T) {
	for round := range 20 {
		s, c := ringtest.Serve(t, 1<<20)
		var busy, done sync.WaitGroup
		for range 4 {
			busy.Add(1)
			done.Go(func() {
				data, got := ringtest.Bytes(uint64(round), 200_000), make([]byte, 200_000)
				first := sync.OnceFunc(busy.Done)
				for {
					f, err := c.Put(data)
					if err == nil {
						err = c.ReadInto(got, f.Offset, f.Checksum)
					}
					if err == nil && !bytes.Equal(got, data) {
						t.Error("wrong bytes")
						return
					}
					_ = c.Stats()
					first()
					if errors.Is(err, framebuffer.ErrClosed) {
						return
					}
					if err != nil && !errors.Is(err, framebuffer.ErrTimeout) {
						t.Error(err)
						return
					}
				}
			})
		}
		busy.Wait()
		var err error
		if round%2 == 0 {
			err = c.Close()
		} else {
			err = s.Close()
		}
		if err != nil {
			t.Error(err)
		}
		done.Wait()
	}
}

// Close gives the memory back at once, and the addresses in the end, however often.
func TestCloseDetachesAtOnce(t *testing.T) {
	s, _ := ringtest.Serve(t, 1<<20)
	before := mappings(t)
	for range 200 {
		c, err := framebuffer.Attach(s.Key(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if n := mappings(t); n != before {
			t.Fatalf("%d mappings of shared memory before, %d after", before, n)
		}
	}
}

// roleAttachOften: KEY; attaches and closes more often than the address space it is given
// has room for, with the collector switched off.
func roleAttachOften(c *testproc.Child) error {
	debug.SetGCPercent(-1)
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return err
	}
	var pages uint64 // mapped already; the race detector maps terabytes
	if _, err := fmt.Sscan(string(statm), &pages); err != nil {
		return err
	}
	most := pages*uint64(os.Getpagesize()) + 8<<30
	limit := syscall.Rlimit{Cur: most, Max: most}
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &limit); err != nil {
		return err
	}
	for range 200 { // 512 MiB of addresses each
		client, err := framebuffer.Attach(c.Args[0], nil)
		if err != nil {
			return err
		}
		if err := client.Close(); err != nil {
			return err
		}
	}
	return c.Send("done")
}

// Addresses of closed clients come back when they are needed.
func TestAddressesComeBack(t *testing.T) {
	s, _ := ringtest.Serve(t, 256<<20)
	p := testproc.Start(t, "attach-often", s.Key())
	var said string
	p.Recv(&said)
	p.Done()
}

// A client that is dropped without Close gives its memory back in the end.
func TestDroppedClientIsUnmapped(t *testing.T) {
	s, _ := ringtest.Serve(t, 1<<20)
	before := mappings(t)
	func() {
		for range 10 {
			if _, err := framebuffer.Attach(s.Key(), nil); err != nil {
				t.Fatal(err)
			}
		}
	}()
	if mappings(t) <= before {
		t.Fatal("ten clients without a mapping")
	}
	for range 1000 {
		if runtime.GC(); mappings(t) <= before {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d mappings before, %d after", before, mappings(t))
}

func mappings(t *testing.T) int {
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), "/memfd:framebuffer")
}
