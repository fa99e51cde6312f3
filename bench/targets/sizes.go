package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/bench/internal/results"
)

// bySize measures what operations cost beside plain copies.
func bySize(turns int, until time.Time) (rows []*results.Row, err error) {
	server, err := framebuffer.NewServer(ring, nil)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	client, err := framebuffer.Attach(server.Key(), nil)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	shared, err := sharedMemory(ring)
	if err != nil {
		return nil, err
	}
	b := &bench{client: client, plain: &cold{mem: shared}, turns: turns, until: until}
	for range 2 * ring / (1 << 20) { // the first lap maps pages
		if _, err := client.Put(b.plain.next(1<<20 - 64)); err != nil {
			return nil, err
		}
	}
	for _, size := range sizes() {
		for _, op := range b.operations() {
			more, err := b.compare(op, size.name, size.bytes)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", op.name, size.name, err)
			}
			rows = append(rows, more...)
		}
	}
	return rows, nil
}

type size struct {
	name  string
	bytes int
}

func sizes() []size {
	return []size{{"64 B", 64}, {"4 KiB", 4 << 10}, {"64 KiB", 64 << 10}, {"1 MiB", 1 << 20}, {"1080p", 6220800}, {"4K", 24883200}}
}

// operation is one of ours and what it stands beside.
type operation struct {
	name string
	ours contender
	also []contender
}

// contender makes what does an operation count times.
type contender struct {
	way  string
	kind string
	make func(size int) (func(count int) error, error)
}

func (b *bench) operations() []operation {
	limit := func(way string, make func(int) func(int) error) contender {
		return contender{"limit: " + way, results.Limit, func(size int) (func(int) error, error) { return make(size), nil }}
	}
	ours := func(make func(int) (func() error, error)) contender {
		return contender{"", results.Ours, func(size int) (func(int) error, error) {
			do, err := make(size)
			return repeated(do), err
		}}
	}
	plain := func(way string, make func(int) (func() error, error)) contender {
		return limit(way, func(size int) func(int) error { do, _ := make(size); return repeated(do) })
	}
	in, out := []contender{plain("copy of Go", b.copyIn)}, []contender{plain("copy of Go", b.copyOut)}
	used := []contender{plain("copy of Go, used", func(size int) (func() error, error) { do, err := b.copyOut(size); return b.then(do, size), err })}
	if libc != nil { // built with a C compiler
		in = append(in, limit("memcpy of libc", func(size int) func(int) error { return b.libc(size, true, false) }))
		out = append(out, limit("memcpy of libc", func(size int) func(int) error { return b.libc(size, false, false) }))
		used = append(used, limit("memcpy of libc, used", func(size int) func(int) error { return b.libc(size, false, true) }))
	}
	return []operation{
		{"Allocate + Write", ours(b.write), in},
		{"ReadInto", ours(b.readInto), out},
		{"ReadInto, used", ours(func(size int) (func() error, error) { do, err := b.readInto(size); return b.then(do, size), err }), used},
		{"Read", ours(b.read), []contender{plain("make and copy of Go", b.makeCopy)}},
		{"ChecksumOf", ours(b.sum), []contender{plain("xxh3.Hash of Go", b.plainSum)}},
	}
}

func repeated(do func() error) func(int) error {
	return func(count int) error {
		for range count {
			if err := do(); err != nil {
				return err
			}
		}
		return nil
	}
}

// compare has all take turns.
func (b *bench) compare(op operation, name string, size int) (rows []*results.Row, err error) {
	all := append([]contender{op.ours}, op.also...)
	var do []func(int) error
	for _, c := range all {
		f, err := c.make(size)
		if err != nil {
			return nil, err
		}
		do = append(do, f)
		rows = append(rows, &results.Row{Task: op.name + " " + name, Way: c.way, Kind: c.kind})
	}
	batch := max(4, (16<<20)/size)
	for turn := range b.turns + 1 {
		if turn > 3 && time.Now().After(b.until) {
			break
		}
		for i := range do {
			at := (i + turn) % len(do)
			start := time.Now()
			if err := do[at](batch); err != nil {
				return nil, err
			}
			ns := float64(time.Since(start).Nanoseconds()) / float64(batch)
			if turn > 0 { // the first is to warm up
				rows[at].Turns = append(rows[at].Turns, results.NewTurn(ns, 0, 0))
			}
		}
	}
	return rows, nil
}

// bench holds what the operations work on.
type bench struct {
	client *framebuffer.Client
	plain  *cold
	turns  int
	until  time.Time

	brought []byte // what the last operation copied out
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
