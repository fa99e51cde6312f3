package main

import (
	"github.com/zeebo/xxh3"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/bench/internal/words"
)

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

// then uses what an operation brought: it reads every word once, a line at a time, as the reader in C
// does.
func (b *bench) then(do func() error, size int) func() error {
	brought := b.brought[:size]
	return func() error {
		if err := do(); err != nil {
			return err
		}
		var a, b uint64
		for w := words.Of(brought); len(w) >= 8; w = w[8:] {
			l := (*[8]uint64)(w)
			a += l[0] + l[1] + l[2] + l[3]
			b += l[4] + l[5] + l[6] + l[7]
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
