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

// readKey reads the file of writeKey. The error is fs.ErrNotExist if the file is missing; other
// errors say why the file has no key.
func readKey(path string) (string, error) {
	return keyOf(context.Background(), path, time.Second)
}

// mayCome returns nil if a server can still write the missing file, because its directory exists. A
// missing directory is an error, so that a misspelt path does not wait.
func mayCome(path string) error {
	file, err := stdio.Target(path)
	if err == nil && file == "" { // it exists now
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

// noKeyFile returns the error for a path where no key file can be, or that this user may not read.
func noKeyFile(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: key file %s: let this user read it: %w", framebuffer.ErrPermission, path, err)
	}
	return fmt.Errorf("%w: key file %s: a server cannot write its key there: give another path, or create the directory first: %w", errUsage, path, err)
}

// keyPatience is how long a client waits for a server that starts at the same time.
const keyPatience = 30 * time.Second

// byFile calls do with the key in a file. Containers start in any order, and a killed server leaves
// its key: so byFile waits for the file, and for a key that do accepts. A path where no key file
// can be is an error at once.
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
				err = fmt.Errorf("%w: no server has written %s: start one with framebuffer serve --key-file: %w", framebuffer.ErrStaleKey, path, err)
			}
			return none, err
		}
		if !pause(e.ctx, 50*time.Millisecond) {
			return none, errSignal
		}
	}
}

// nextKey returns a description of what byFile waits for.
func nextKey(path string, missing bool) string {
	if missing {
		return fmt.Sprintf("a server that writes its key to %s: start it with framebuffer serve --key-file", path)
	}
	return fmt.Sprintf("the next server to write its key to %s: the server of the key in the file has ended or cannot be reached", path)
}
