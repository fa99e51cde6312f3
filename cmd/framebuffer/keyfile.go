package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// writeKey puts a server's key into a file, whole or not at all, and returns what takes it
// away again. Others may read it: a key is of no use to whom the server does not let in.
func writeKey(path, key string) (remove func(), err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".framebuffer-key-*")
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	_, err = fmt.Fprintln(f, key)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("key file: %w", err), os.Remove(f.Name()))
	}
	return func() {
		if now, err := readKey(path); err == nil && now == key { // and not that of the next server
			_ = os.Remove(path)
		}
	}, nil
}

// readKey reads what writeKey wrote.
func readKey(path string) (string, error) {
	b, err := os.ReadFile(path)
	return strings.TrimSpace(string(b)), err
}

// keyPatience is how long to wait for a server that starts beside its clients.
const keyPatience = 30 * time.Second

// byFile does something with the key in a file. Containers start in any order, and a server that
// was killed leaves its key: so it waits for a file, and for a key that works.
func byFile[T any](e *env, path string, do func(key string) (T, error)) (none T, err error) {
	for end := time.Now().Add(keyPatience); ; {
		key, err := readKey(path)
		if err == nil {
			var done T
			if done, err = do(key); err == nil {
				return done, nil
			}
		}
		waiting := errors.Is(err, fs.ErrNotExist) || errors.Is(err, framebuffer.ErrStaleKey)
		if !waiting || time.Now().After(end) {
			if errors.Is(err, fs.ErrNotExist) && !errors.Is(err, framebuffer.ErrStaleKey) {
				err = fmt.Errorf("%w: no server has written %s: start one with serve --key-file: %w", framebuffer.ErrStaleKey, path, err)
			}
			return none, err
		}
		select {
		case <-e.ctx.Done():
			return none, e.ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
