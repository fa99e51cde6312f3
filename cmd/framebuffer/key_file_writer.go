package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/stdio"
	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// lookAtKey is how often a server checks that its key file exists.
const lookAtKey = time.Second

// keepKey writes a server's key to a file, atomically, and returns a function that removes the
// file. Until then, it writes the file again if another process removes it, but replaces no other
// file. It follows symbolic links. permit sets which users may read the file.
func keepKey(log *slog.Logger, path, key string, permit func(*os.File) error) (remove func(), err error) {
	file, err := stdio.Target(path)
	if err == nil && file == "" {
		return nil, fmt.Errorf("%w: key file %s: it is not a regular file, and would be replaced by one: give another path", errUsage, path)
	}
	if err == nil {
		path = file
		err = writeKey(path, key, os.Rename, permit) // may replace the file of a server that has ended
	}
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(lookAtKey)
		defer tick.Stop()
		failed := false // the last attempt to write the file again
		for used := time.Now(); ; {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			switch _, err := os.Lstat(path); {
			case errors.Is(err, fs.ErrNotExist):
				again := restoreKey(path, key, permit)
				if again == nil {
					log.Warn("the key file was removed by another process, and was written again", "file.path", path)
				} else if !failed {
					log.Warn("the key file was removed by another process, and cannot be written again", "file.path", path, "error.message", again)
				}
				failed = again != nil
			case err == nil && time.Since(used) > keyLooksUsed:
				used = time.Now()
				if now, err := readKey(path); err == nil && now == key {
					_ = os.Chtimes(path, used, used)
				}
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
		if now, err := readKey(path); err == nil && now == key { // not the key of the next server
			_ = os.Remove(path)
		}
	}, nil
}

// keyLooksUsed is how often the times of the file are renewed, so that cleaners of temporary
// directories leave it.
const keyLooksUsed = 10 * time.Minute

// restoreKey writes the key again, unless another file has taken its place.
func restoreKey(path, key string, permit func(*os.File) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // clients must be able to find it
		return err
	}
	err := writeKey(path, key, os.Link, permit)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// writeKey writes a temporary file and moves it to path with place. Unlike stdio.WriteFile it gives
// the file the access of the ring, whatever the umask and the mode of an old file are.
func writeKey(path, key string, place func(from, to string) error, permit func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".framebuffer-key-*")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, key)
	if err = errors.Join(err, permit(f), f.Close()); err == nil {
		err = place(f.Name(), path)
	}
	if removed := os.Remove(f.Name()); !errors.Is(removed, fs.ErrNotExist) { // renamed
		err = errors.Join(err, removed)
	}
	return err
}

// permit returns a function that lets exactly the users read the key file that may attach: the key
// contains the secret by which the server proves its identity. It skips users that the file system
// cannot list.
func (c *serveCmd) permit(log *slog.Logger) func(*os.File) error {
	allow := shm.Allow{WriteUIDs: c.Allow, WriteGIDs: c.AllowG, ReadUIDs: c.Read, ReadGIDs: c.ReadG}
	return func(f *os.File) error {
		unlisted, err := shm.Readable(f, fs.FileMode(c.Mode), allow)
		if unlisted != nil {
			log.Warn("the listed users and groups cannot read the key file: give them the key in another way", "file.path", c.KeyFile, "error.message", unlisted)
		}
		return err
	}
}
