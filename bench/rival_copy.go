package main

import (
	"encoding/binary"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// copyRival is the limit for a program in Go: copy in, copy out, nothing else. The memory
// is a file without a name, which the reader finds under /proc.
func copyRival(writer bool) (err error) {
	const capacity = 512 << 20
	if !writer {
		return copyReader(capacity)
	}
	fd, err := unix.MemfdCreate("bench", 0)
	if err != nil {
		return err
	}
	if err := unix.Ftruncate(fd, capacity); err != nil {
		return err
	}
	ring, err := unix.Mmap(fd, 0, capacity, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return err
	}
	conn, stop, err := startReader("copy")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	message := make([]byte, 16)
	binary.NativeEndian.PutUint64(message, uint64(os.Getpid()))
	binary.NativeEndian.PutUint64(message[8:], uint64(fd))
	if _, err := conn.Write(message); err != nil {
		return err
	}
	data, at := payload(), 0
	return serveHarness(func(size int) error {
		if at+size > capacity {
			at = 0
		}
		copy(ring[at:], data[:size])
		binary.NativeEndian.PutUint64(message, uint64(at))
		binary.NativeEndian.PutUint64(message[8:], uint64(size))
		at += (size + 63) &^ 63
		if _, err := conn.Write(message); err != nil {
			return err
		}
		return acknowledged(conn, message)
	})
}

func copyReader(capacity int) error {
	conn, err := readersEnd()
	if err != nil {
		return err
	}
	message := make([]byte, 16)
	if _, err := io.ReadFull(conn, message); err != nil {
		return err
	}
	ring, err := mapOther(int(binary.NativeEndian.Uint64(message)), int(binary.NativeEndian.Uint64(message[8:])), capacity)
	if err != nil {
		return err
	}
	mine := payload()
	clear(mine)
	for {
		if _, err := io.ReadFull(conn, message); err != nil {
			return done(err)
		}
		at, size := binary.NativeEndian.Uint64(message), binary.NativeEndian.Uint64(message[8:])
		copy(mine[:size], ring[at:])
		if err := check(mine[:size]); err != nil {
			return err
		}
		if _, err := conn.Write(message[:1]); err != nil {
			return err
		}
	}
}
