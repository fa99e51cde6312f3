package main

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/core-framebuffer/framebuffer"
)

// framebufferRival allocates, writes with a checksum, and reads verified into memory of the
// reader's own. The descriptor goes over a socket: 24 bytes, and the acknowledgement back.
func framebufferRival(writer bool) (err error) {
	if !writer {
		return framebufferReader()
	}
	server, err := framebuffer.NewServer(512<<20, nil)
	if err != nil {
		return err
	}
	defer server.Close()
	client, err := framebuffer.Attach(server.Key(), nil)
	if err != nil {
		return err
	}
	defer client.Close()
	conn, stop, err := startReader("framebuffer")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if _, err := conn.Write([]byte(server.Key() + "\n")); err != nil {
		return err
	}
	data, message := payload(), make([]byte, 24)
	return serveHarness(func(size int) error {
		offset, err := client.Allocate(size)
		if err != nil {
			return err
		}
		sum, err := client.Write(offset, data[:size])
		if err != nil {
			return err
		}
		binary.NativeEndian.PutUint64(message, offset)
		binary.NativeEndian.PutUint64(message[8:], uint64(size))
		binary.NativeEndian.PutUint64(message[16:], uint64(sum))
		if _, err := conn.Write(message); err != nil {
			return err
		}
		return acknowledged(conn, message)
	})
}

func framebufferReader() error {
	conn, err := readersEnd()
	if err != nil {
		return err
	}
	var key []byte
	for b := make([]byte, 1); ; key = append(key, b[0]) {
		if _, err := io.ReadFull(conn, b); err != nil {
			return err
		}
		if b[0] == '\n' {
			break
		}
	}
	client, err := framebuffer.Attach(string(key), nil)
	if err != nil {
		return err
	}
	defer client.Close()
	mine, message := payload(), make([]byte, 24)
	clear(mine)
	for {
		if _, err := io.ReadFull(conn, message); err != nil {
			return done(err)
		}
		offset := binary.NativeEndian.Uint64(message)
		size := binary.NativeEndian.Uint64(message[8:])
		sum := framebuffer.Checksum(binary.NativeEndian.Uint64(message[16:]))
		if err := client.ReadInto(mine[:size], offset, sum); err != nil {
			return err
		}
		if err := check(mine[:size]); err != nil {
			return err
		}
		if _, err := conn.Write(message[:1]); err != nil {
			return err
		}
	}
}
