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

// lookAtKey is how often a server looks whether its key file is still there.
const lookAtKey = time.Second

// keepKey puts a server's key into a file, whole or not at all, and returns what takes it away
// again. While the server runs, a file that another process removes is written again, but never
// over another file. Links keep leading where they do. permit says which users may read the file.
func keepKey(log *slog.Logger, path, key string, permit func(*os.File) error) (remove func(), err error) {
	file, err := stdio.Target(path)
	if err == nil && file == "" {
		return nil, fmt.Errorf("%w: key file %s: it is not a regular file, and would be replaced by one: give another path", errUsage, path)
	}
	if err == nil {
		path = file
		err = writeKey(path, key, os.Rename, permit) // over that of a server that is gone
	}
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(lookAtKey)
		defer tick.Stop()
		failed := false
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
					log.Warn("the key file was removed by another process; it is there again", "file.path", path)
				} else if !failed {
					log.Warn("the key file was removed, and cannot be written again", "file.path", path, "error.message", again)
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
		if now, err := readKey(path); err == nil && now == key { // and not that of the next server
			_ = os.Remove(path)
		}
	}, nil
}

// keyLooksUsed is how often the file's times are renewed, by which directories are cleaned.
const keyLooksUsed = 10 * time.Minute

// restoreKey writes the key again, if no other file has come in its place.
func restoreKey(path, key string, permit func(*os.File) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // those that may attach have to find it
		return err
	}
	err := writeKey(path, key, os.Link, permit)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// writeKey has a file that is whole get its name by place. It is not stdio.WriteFile, since it has
// the access of the ring, whatever the umask and an old file's mode are.
func writeKey(path, key string, place func(from, to string) error, permit func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".framebuffer-key-*")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, key)
	if err = errors.Join(err, permit(f), f.Close()); err == nil {
		err = place(f.Name(), path)
	}
	if removed := os.Remove(f.Name()); !errors.Is(removed, fs.ErrNotExist) { // rename took it
		err = errors.Join(err, removed)
	}
	return err
}

// permit lets those read the key file that may attach, and no other user: the key has the server's
// proof that it is the one. What the file system cannot say is left out.
func (c *serveCmd) permit(log *slog.Logger) func(*os.File) error {
	allow := shm.Allow{WriteUIDs: c.Allow, WriteGIDs: c.AllowG, ReadUIDs: c.Read, ReadGIDs: c.ReadG}
	return func(f *os.File) error {
		unlisted, err := shm.Readable(f, fs.FileMode(c.Mode), allow)
		if unlisted != nil {
			log.Warn("the users and groups that are listed cannot read the key file: give them the key in another way", "file.path", c.KeyFile, "error.message", unlisted)
		}
		return err
	}
}
