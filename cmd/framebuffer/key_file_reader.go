package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/stdio"
)

// readKey reads what writeKey wrote. A file that is missing is fs.ErrNotExist, and all other errors
// say why there is no key in that file.
func readKey(path string) (string, error) {
	return keyOf(context.Background(), path, time.Second)
}

// mayCome is nil if a server can still write the missing file: its directory is there. A
// directory that comes later is not waited for, since a misspelt path would wait as well.
func mayCome(path string) error {
	file, err := stdio.Target(path)
	if err == nil && file == "" { // it has come
		return nil
	}
	var dir fs.FileInfo
	if err == nil {
		dir, err = os.Stat(filepath.Dir(file))
	}
	if err == nil && !dir.IsDir() {
		err = &fs.PathError{Op: "open", Path: path, Err: syscall.ENOTDIR}
	}
	if err != nil {
		return noKeyFile(path, err)
	}
	return nil
}

// noKeyFile is the error of a path where a key file cannot be, or not be read.
func noKeyFile(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: key file %s: let this user read it: %w", framebuffer.ErrPermission, path, err)
	}
	return fmt.Errorf("%w: key file %s: no server can have written its key there: give another path, or make the directory first: %w", errUsage, path, err)
}

// keyPatience is how long to wait for a server that starts beside its clients.
const keyPatience = 30 * time.Second

// byFile does something with the key in a file. Containers start in any order, and a server that
// was killed leaves its key: so it waits for a file, and for a key that works. A path where
// there can be no key file is an error at once.
func byFile[T any](e *env, path string, do func(key string) (T, error)) (none T, err error) {
	var missing atomic.Bool
	defer e.waitingFor(func() string { return nextKey(path, missing.Load()) })()
	for end := time.Now().Add(keyPatience); ; {
		key, err := readKey(path)
		if missing.Store(errors.Is(err, fs.ErrNotExist)); err == nil {
			var done T
			if done, err = do(key); err == nil {
				return done, nil
			}
		} else if missing.Load() {
			if err := mayCome(path); err != nil {
				return none, err
			}
		} else {
			return none, err
		}
		if !missing.Load() && !errors.Is(err, framebuffer.ErrStaleKey) {
			return none, fmt.Errorf("key file %s: %w", path, err)
		}
		if time.Now().After(end) {
			if missing.Load() {
				err = fmt.Errorf("%w: no server has written %s: start one with serve --key-file: %w", framebuffer.ErrStaleKey, path, err)
			}
			return none, err
		}
		if !pause(e.ctx, 50*time.Millisecond) {
			return none, errSignal
		}
	}
}

// nextKey is what a command waits for that was given a key file.
func nextKey(path string, missing bool) string {
	if missing {
		return fmt.Sprintf("a server that writes its key to %s: start it with serve --key-file", path)
	}
	return fmt.Sprintf("the next server to write its key to %s: the key in the file is of a server that is gone or out of reach", path)
}
