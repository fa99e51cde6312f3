// Command targets measures this library against a plain copy, taking turns in one run, and
// prints the table of bench/operations.md: operations by size, then how cost grows with the ring
// and with the number of clients.
package main

import (
	"flag"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/zeebo/xxh3"
	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
)

const ring = 512 << 20

func main() {
	log.SetFlags(0)
	turns := flag.Int("turns", 21, "repetitions; the medians count")
	only := flag.String("only", "", "one table: sizes, rings, clients or processes")
	role := flag.String("role", "", "for the processes that this command starts itself")
	key := flag.String("key", "", "likewise")
	flag.Parse()
	if *role != "" {
		if err := hammer(*role, *key); err != nil {
			log.Fatal(err)
		}
		return
	}
	if err := run(*turns, *only); err != nil {
		log.Fatal(err)
	}
}

func run(turns int, only string) error {
	tables := []struct {
		name  string
		print func(turns int) error
	}{{"sizes", bySize}, {"rings", growthByRing}, {"clients", growthByClients}, {"processes", growthByProcesses}}
	known := only == ""
	for _, t := range tables {
		if only == "" || only == t.name {
			known = true
			if err := t.print(turns); err != nil {
				return err
			}
		}
	}
	if !known {
		return fmt.Errorf("there is no table %q: sizes, rings, clients, processes", only)
	}
	return nil
}

// bySize prints what operations cost beside a plain copy.
func bySize(turns int) error {
	server, err := framebuffer.NewServer(ring, nil)
	if err != nil {
		return err
	}
	defer server.Close()
	client, err := framebuffer.Attach(server.Key(), nil)
	if err != nil {
		return err
	}
	defer client.Close()
	shared, err := sharedMemory(ring)
	if err != nil {
		return err
	}
	b := &bench{client: client, plain: &cold{mem: shared}, turns: turns}
	for range 2 * ring / (1 << 20) { // the first lap maps pages
		if _, err := client.Put(b.plain.next(1<<20 - 64)); err != nil {
			return err
		}
	}
	fmt.Println("| operation | 64 B | 4 KiB | 64 KiB | 1 MiB | 1080p RGB | 4K RGB |")
	fmt.Println("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
	for _, row := range []struct {
		name string
		a, b func(int) (func() error, error)
	}{
		{"Allocate + Write : copy", b.write, b.copyIn},
		{"ReadInto : copy", b.readInto, b.copyOut},
		{"Read : make + copy", b.read, b.makeCopy},
		{"ChecksumOf : xxh3.Hash", b.sum, b.plainSum},
	} {
		fmt.Printf("| %s |", row.name)
		for _, size := range []int{64, 4 << 10, 64 << 10, 1 << 20, 6220800, 24883200} {
			cell, err := b.compare(size, row.a, row.b)
			if err != nil {
				return fmt.Errorf("%s, %d bytes: %w", row.name, size, err)
			}
			fmt.Printf(" %s |", cell)
		}
		fmt.Println()
	}
	return nil
}

// bench holds what the operations work on.
type bench struct {
	client *framebuffer.Client
	plain  *cold
	turns  int
}

// cold is memory walked like the ring: the next place is in no cache.
type cold struct {
	mem []byte
	at  int
}

// sharedMemory is memory of the kind that the ring is made of, page size and all.
func sharedMemory(n int) ([]byte, error) {
	fd, err := unix.MemfdCreate("targets", 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Ftruncate(fd, int64(n)); err != nil {
		return nil, err
	}
	mem, err := unix.Mmap(fd, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	// As the ring is: MAP_POPULATE only reads, and the first store to each page then takes
	// longer than all that follows.
	return mem, unix.Madvise(mem, unix.MADV_POPULATE_WRITE)
}

func newCold(n int) *cold {
	c := &cold{mem: make([]byte, n)}
	for i := range c.mem {
		c.mem[i] = byte(i >> 8)
	}
	return c
}

func (c *cold) next(n int) []byte {
	if c.at+n > len(c.mem) {
		c.at = 0
	}
	p := c.mem[c.at : c.at+n]
	c.at += (n + 127) &^ 63 // as the ring, header included
	return p
}

// compare takes turns and returns a's nanoseconds at 64 B and its speed relative to b.
func (b *bench) compare(size int, left, right func(int) (func() error, error)) (string, error) {
	l, err := left(size)
	if err != nil {
		return "", err
	}
	r, err := right(size)
	if err != nil {
		return "", err
	}
	batch := max(4, (16<<20)/size)
	var ls, rs []time.Duration
	for turn := range b.turns + 1 {
		for i := range 2 {
			do, into := l, &ls
			if (i+turn)%2 == 1 {
				do, into = r, &rs
			}
			start := time.Now()
			for range batch {
				if err := do(); err != nil {
					return "", err
				}
			}
			if turn > 0 { // the first is to warm up
				*into = append(*into, time.Since(start)/time.Duration(batch))
			}
		}
	}
	slices.Sort(ls)
	slices.Sort(rs)
	a, o := ls[len(ls)/2], rs[len(rs)/2]
	if size <= 64 {
		return fmt.Sprintf("%d ns : %d ns", a.Nanoseconds(), o.Nanoseconds()), nil
	}
	return fmt.Sprintf("%.2f (%d:%d)", float64(o)/float64(a), a.Nanoseconds(), o.Nanoseconds()), nil
}

func (b *bench) write(size int) (func() error, error) {
	src := newCold(size)
	return func() error {
		offset, err := b.client.Allocate(size)
		if err != nil {
			return err
		}
		_, err = b.client.Write(offset, src.mem[:size])
		return err
	}, nil
}

func (b *bench) copyIn(size int) (func() error, error) {
	src := newCold(size)
	return func() error { copy(b.plain.next(size), src.mem[:size]); return nil }, nil
}

// alive fills the ring with frames and returns them in turn.
func (b *bench) alive(size int) (func() framebuffer.Frame, error) {
	data := make([]byte, size)
	all := make([]framebuffer.Frame, (ring-(32<<20))/((size+127)&^63))
	for i := range all {
		var err error
		if all[i], err = b.client.Put(data); err != nil {
			return nil, err
		}
	}
	i := 0
	return func() framebuffer.Frame {
		i = (i + 1) % len(all)
		return all[i]
	}, nil
}

func (b *bench) readInto(size int) (func() error, error) {
	next, err := b.alive(size)
	dst := make([]byte, size)
	clear(dst)
	return func() error {
		f := next()
		return b.client.ReadInto(dst, f.Offset, f.Checksum)
	}, err
}

func (b *bench) copyOut(size int) (func() error, error) {
	dst := make([]byte, size)
	clear(dst)
	return func() error { copy(dst, b.plain.next(size)); return nil }, nil
}

var kept []byte // so that results escape, as they do in a program

func (b *bench) read(size int) (func() error, error) {
	next, err := b.alive(size)
	return func() error {
		f := next()
		var err error
		kept, err = b.client.Read(f.Offset, f.Size, f.Checksum)
		return err
	}, err
}

func (b *bench) makeCopy(size int) (func() error, error) {
	return func() error {
		src := b.plain.next(size)
		dst := make([]byte, len(src))
		copy(dst, src)
		kept = dst
		return nil
	}, nil
}

var summed uint64

func (b *bench) sum(size int) (func() error, error) {
	return func() error { summed += uint64(framebuffer.ChecksumOf(b.plain.next(size))); return nil }, nil
}

func (b *bench) plainSum(size int) (func() error, error) {
	return func() error { summed += xxh3.Hash(b.plain.next(size)); return nil }, nil
}
