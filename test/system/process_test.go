package system_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// descriptor is a frame and the seed its bytes grew from, so that a reader can tell right
// bytes from wrong ones without any checksum.
type descriptor struct {
	Frame framebuffer.Frame
	Seed  uint64
}

// roleServe: SIZE -> the key; parks.
func roleServe(c *testproc.Child) error {
	size, err := strconv.ParseInt(c.Args[0], 10, 64)
	if err != nil {
		return err
	}
	s, err := framebuffer.NewServer(size, nil)
	if err != nil {
		return err
	}
	if err := c.Send(s.Key()); err != nil {
		return err
	}
	return errors.Join(c.Park(), s.Close())
}

// rolePut: KEY FRAMES MAXSIZE SEED -> that many descriptors. Between those it tells, it
// writes others that nobody hears of, to keep the ring turning under the readers.
func rolePut(c *testproc.Child) error {
	client, err := framebuffer.Attach(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer client.Close()
	frames, err1 := strconv.Atoi(c.Args[1])
	most, err2 := strconv.Atoi(c.Args[2])
	seed, err3 := strconv.ParseUint(c.Args[3], 10, 64)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	rnd := rand.New(rand.NewPCG(seed, 1))
	for told := 0; told < frames; {
		d := descriptor{Seed: rnd.Uint64() >> 24}
		d.Frame, err = client.Put(ringtest.Bytes(d.Seed, 1+rnd.IntN(most)))
		if errors.Is(err, framebuffer.ErrTimeout) {
			continue // lapped by the other writer: it happens on a ring this small
		}
		if err != nil {
			return err
		}
		if rnd.IntN(3) != 0 {
			continue
		}
		told++
		if err := c.Send(d); err != nil {
			return err
		}
	}
	return c.Park()
}

type tally struct{ Same, Timeouts, Wrong int }

// roleGet: KEY; takes descriptors until the input ends -> a tally.
func roleGet(c *testproc.Child) error {
	client, err := framebuffer.Attach(c.Args[0], &framebuffer.ClientOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer client.Close()
	var n tally
	for {
		var d descriptor
		err := c.Recv(&d)
		if errors.Is(err, io.EOF) {
			return c.Send(n)
		}
		if err != nil {
			return err
		}
		want := ringtest.Bytes(d.Seed, d.Frame.Size)
		// Once through each way of reading: the bytes are compared with what the seed
		// gives, never with the checksum.
		got, err := client.Get(d.Frame)
		into := make([]byte, d.Frame.Size)
		errInto := client.ReadInto(into, d.Frame.Offset, d.Frame.Checksum)
		for _, r := range []struct {
			data []byte
			err  error
		}{{got, err}, {into, errInto}} {
			switch {
			case errors.Is(r.err, framebuffer.ErrTimeout):
				n.Timeouts++
			case r.err != nil:
				return r.err
			case bytes.Equal(r.data, want):
				n.Same++
			default:
				n.Wrong++
			}
		}
	}
}

// Two writing processes turn a small ring as fast as they can under two reading ones. Every
// read is either exactly what was written or a timeout.
func TestManyProcessesOneSmallRing(t *testing.T) {
	server := testproc.Start(t, "serve", strconv.Itoa(256<<10))
	var key string
	server.Recv(&key)
	const frames = 1500
	var writers, readers []*testproc.Proc
	for i := range 2 {
		readers = append(readers, testproc.Start(t, "get", key))
		writers = append(writers, testproc.Start(t, "put", key, strconv.Itoa(frames), strconv.Itoa(60<<10), strconv.Itoa(i+1)))
	}
	var relays sync.WaitGroup
	oldest := make([]descriptor, len(writers))
	for i, w := range writers {
		relays.Go(func() {
			for n := range frames {
				var d descriptor
				if err := w.TryRecv(&d); err != nil {
					t.Error(err)
					return
				}
				if n == 0 {
					oldest[i] = d
				}
				readers[i].Send(d)
			}
		})
	}
	relays.Wait()
	// Whatever the timing was: the first frames are long gone, and a frame that nobody
	// follows is there.
	last := descriptor{Seed: 99}
	var err error
	if last.Frame, err = ringtest.Attach(t, key).Put(ringtest.Bytes(last.Seed, 50_000)); err != nil {
		t.Fatal(err)
	}
	for i, r := range readers {
		r.Send(oldest[i])
		r.CloseInput()
		var n tally
		r.Recv(&n)
		t.Logf("reader %d: %+v", i, n)
		if n.Wrong != 0 || n.Timeouts < 2 || n.Same+n.Timeouts != 2*(frames+1) {
			t.Errorf("reader %d of %d frames: %+v", i, frames+1, n)
		}
	}
	for _, w := range writers {
		w.Done()
	}
	final := testproc.Start(t, "get", key)
	final.Send(last)
	final.CloseInput()
	var n tally
	final.Recv(&n)
	if n.Same != 2 {
		t.Errorf("the last frame in a quiet ring: %+v", n)
	}
}

// Killed writers, readers and servers leave others at work and nothing in the system.
func TestKillAnybody(t *testing.T) {
	before := segments(t)
	server := testproc.Start(t, "serve", strconv.Itoa(1<<20))
	var key string
	server.Recv(&key)
	c, err := framebuffer.Attach(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		w := testproc.Start(t, "put", key, "1000000", strconv.Itoa(300<<10), strconv.Itoa(i))
		var d descriptor
		for range 1 + i {
			w.Recv(&d)
		}
		w.Kill() // in the middle of something
		mine, err := c.Put(ringtest.Bytes(5, 100_000))
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Get(mine)
		if err != nil || !bytes.Equal(got, ringtest.Bytes(5, 100_000)) {
			t.Fatalf("after a killed writer: %v", err)
		}
		if got, err := c.Get(d.Frame); err == nil && !bytes.Equal(got, ringtest.Bytes(d.Seed, d.Frame.Size)) {
			t.Fatal("wrong bytes of a killed writer")
		}
	}
	f, err := c.Put([]byte("the last frame"))
	if err != nil {
		t.Fatal(err)
	}
	server.Kill()
	if _, err := c.Put([]byte("one more")); !errors.Is(err, framebuffer.ErrServerGone) {
		t.Errorf("put after the server was killed: %v", err)
	}
	if got, err := c.Get(f); err != nil || string(got) != "the last frame" {
		t.Errorf("after the server was killed: %q, %v", got, err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err := framebuffer.Attach(key, nil); !errors.Is(err, framebuffer.ErrStaleKey) {
		t.Errorf("the key of a killed server attaches: %v %v", c, err)
	}
	// Other tests on this machine have segments in that state for an instant: look again.
	for end := time.Now().Add(10 * time.Second); segments(t) > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d segments left behind", segments(t)-before)
		}
	}
}

// segments counts SysV segments in this namespace that nobody is attached to any more.
func segments(t *testing.T) (n int) {
	text, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) > 6 && f[6] == "0" {
			n++
		}
	}
	return n
}
