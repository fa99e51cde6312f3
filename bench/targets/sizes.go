package main

import (
	"fmt"
	"time"

	"github.com/zeebo/xxh3"
	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/bench/internal/results"
	"github.com/core-framebuffer/framebuffer/bench/internal/words"
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
	b.brought = dst
	return func() error {
		f := next()
		return b.client.ReadInto(dst, f.Offset, f.Checksum)
	}, err
}

func (b *bench) copyOut(size int) (func() error, error) {
	dst := make([]byte, size)
	clear(dst)
	b.brought = dst
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

var used uint64

// then uses what an operation brought: it reads every word once.
func (b *bench) then(do func() error, size int) func() error {
	brought := b.brought[:size]
	return func() error {
		if err := do(); err != nil {
			return err
		}
		var a, b uint64
		for w := words.Of(brought); len(w) > 1; w = w[2:] {
			a += w[0]
			b += w[1]
		}
		used += a + b
		return nil
	}
}

// libc copies by memcpy, in C all the while.
func (b *bench) libc(size int, in, use bool) func(int) error {
	mine := newCold(size).mem
	return func(count int) error {
		for count > 0 {
			if b.plain.at+size > len(b.plain.mem) {
				b.plain.at = 0
			}
			step := (size + 127) &^ 63
			n := min(count, (len(b.plain.mem)-b.plain.at-size)/step+1)
			libc(b.plain.mem[b.plain.at:], mine, size, step, n, in, use)
			b.plain.at += n * step
			count -= n
		}
		return nil
	}
}
