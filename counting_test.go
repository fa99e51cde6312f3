package framebuffer_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/monitor"
)

// BenchmarkCounting shows what it costs that writes and reads are counted, and that somebody
// looks. Each round does the same uncounted, counted, and counted while somebody looks a
// thousand times a second, a millisecond each and in turns, so that whatever else the machine
// does meets all of them. Times are medians over the rounds, and what counting costs is the
// median of the differences within them. Noise is the same for two turns without counting.
func BenchmarkCounting(b *testing.B) {
	c := benchClient(b)
	looking := lookAt(b, c.Key())
	for _, frame := range []struct {
		name        string
		size, block int // block: how many take a millisecond or so
	}{{"64B", 64, 1 << 14}, {"4KiB", 4 << 10, 1 << 12}, {"64KiB", 64 << 10, 1 << 9}, {"1080p", 6220800, 4}} {
		data := make([]byte, frame.size)
		put := func(write func(uint64, []byte) (framebuffer.Checksum, error)) func() error {
			return func() error {
				offset, err := c.Allocate(len(data))
				if err == nil {
					_, err = write(offset, data)
				}
				return err
			}
		}
		b.Run("write/"+frame.name, func(b *testing.B) {
			compare(b, frame.block, put(c.WriteUncounted), put(c.Write), looking)
		})
		b.Run("read/"+frame.name, func(b *testing.B) {
			all := make([]framebuffer.Frame, min(1<<16, benchRing/2/(frame.size+64)))
			for i := range all {
				var err error
				if all[i], err = c.Put(data); err != nil {
					b.Fatal(err)
				}
			}
			dst, i := make([]byte, frame.size), 0
			get := func(read func([]byte, uint64, framebuffer.Checksum) error) func() error {
				return func() error {
					f := &all[i%len(all)]
					i++
					return read(dst, f.Offset, f.Checksum)
				}
			}
			compare(b, frame.block, get(c.ReadIntoUncounted), get(c.ReadInto), looking)
		})
	}
}

// lookAt has somebody look a thousand times a second while that is true.
func lookAt(b *testing.B, key string) *atomic.Bool {
	m, err := monitor.Attach(key)
	if err != nil {
		b.Fatal(err)
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	b.Cleanup(func() {
		close(stop)
		<-ended
		_ = m.Close()
	})
	looking := new(atomic.Bool)
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if looking.Load() {
					_, _ = m.Snapshot()
				}
			case <-stop:
				return
			}
		}
	}()
	return looking
}

// compare does rounds of two things, of the second while somebody looks, and of the first again.
func compare(b *testing.B, block int, bare, counted func() error, looking *atomic.Bool) {
	var times [4][]float64 // ns each
	once := func(way int) {
		do := counted
		if way == 0 || way == 3 {
			do = bare
		}
		looking.Store(way == 2)
		begin := time.Now()
		for range block {
			if err := do(); err != nil {
				b.Fatal(err)
			}
		}
		times[way] = append(times[way], float64(time.Since(begin).Nanoseconds())/float64(block))
		looking.Store(false)
	}
	for round := 0; b.Loop(); round++ {
		for i := range times {
			if round%2 == 1 {
				i = len(times) - 1 - i
			}
			once(i)
		}
	}
	var differences, shares, noise []float64
	for i, was := range times[0] {
		differences, shares = append(differences, times[1][i]-was), append(shares, 100*(times[1][i]/was-1))
		noise = append(noise, 100*(times[3][i]/was-1))
	}
	b.ReportMetric(0, "ns/op") // of a round: nothing to know
	for name, values := range map[string][]float64{
		"uncounted-ns": times[0], "counted-ns": times[1], "watched-ns": times[2], "counting-ns": differences, "counting-%": shares, "noise-%": noise,
	} {
		slices.Sort(values)
		b.ReportMetric(values[len(values)/2], name)
	}
}
