package main

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisRival sets a key to the payload and tells the reader, which gets it. The server is
// the real one, on a Unix socket, without persistence.
func redisRival(writer bool) (err error) {
	ctx := context.Background()
	message := make([]byte, 8)
	if !writer {
		return redisReader(ctx, message)
	}
	dir, err := os.MkdirTemp("", "framebuffer-bench-redis-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	at := filepath.Join(dir, "socket")
	server := exec.Command("redis-server", "--port", "0", "--unixsocket", at, "--save", "", "--appendonly", "no", "--dir", dir, "--loglevel", "warning")
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		return err
	}
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	db := redis.NewClient(&redis.Options{Network: "unix", Addr: at})
	defer db.Close()
	for end := time.Now().Add(10 * time.Second); ; {
		if err := db.Ping(ctx).Err(); err == nil {
			break
		} else if time.Now().After(end) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	conn, stop, err := startReader("redis")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if _, err := conn.Write([]byte(at)); err != nil {
		return err
	}
	if err := acknowledged(conn, message); err != nil {
		return err
	}
	data := payload()
	return serveHarness(func(size int) error {
		if err := db.Set(ctx, "frame", data[:size], 0).Err(); err != nil {
			return err
		}
		binary.NativeEndian.PutUint64(message, uint64(size))
		if _, err := conn.Write(message); err != nil {
			return err
		}
		return acknowledged(conn, message)
	})
}

func redisReader(ctx context.Context, message []byte) error {
	conn, err := readersEnd()
	if err != nil {
		return err
	}
	at := make([]byte, 200)
	n, err := conn.Read(at)
	if err != nil {
		return err
	}
	db := redis.NewClient(&redis.Options{Network: "unix", Addr: string(at[:n])})
	defer db.Close()
	if _, err := conn.Write([]byte{1}); err != nil {
		return err
	}
	for {
		if _, err := io.ReadFull(conn, message); err != nil {
			return done(err)
		}
		frame, err := db.Get(ctx, "frame").Bytes()
		if err == nil && uint64(len(frame)) != binary.NativeEndian.Uint64(message) {
			err = errors.New("wrong size")
		}
		if err := errors.Join(err, check(frame)); err != nil {
			return err
		}
		if _, err := conn.Write(message[:1]); err != nil {
			return err
		}
	}
}
