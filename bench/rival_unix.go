package main

import (
	"encoding/binary"
	"errors"
	"io"
)

// unixRival sends the payload itself through a stream socket, both sides reusing a buffer.
func unixRival(writer bool) (err error) {
	message := make([]byte, 8)
	if !writer {
		conn, err := readersEnd()
		if err != nil {
			return err
		}
		mine := payload()
		clear(mine)
		for {
			if _, err := io.ReadFull(conn, message); err != nil {
				return done(err)
			}
			frame := mine[:binary.NativeEndian.Uint64(message)]
			if _, err := io.ReadFull(conn, frame); err != nil {
				return err
			}
			if err := check(frame); err != nil {
				return err
			}
			if _, err := conn.Write(message[:1]); err != nil {
				return err
			}
		}
	}
	conn, stop, err := startReader("unix")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	data := payload()
	return serveHarness(func(size int) error {
		binary.NativeEndian.PutUint64(message, uint64(size))
		if _, err := conn.Write(message); err != nil {
			return err
		}
		if _, err := conn.Write(data[:size]); err != nil {
			return err
		}
		return acknowledged(conn, message)
	})
}
