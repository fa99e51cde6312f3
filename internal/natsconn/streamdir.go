package natsconn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"golang.org/x/sys/unix"
)

// streamDir is the directory of an embedded JetStream. One server at a time holds it: two that write
// to it would destroy each other's streams.
type streamDir struct {
	path string
	held *os.File
}

// holdStreamDir holds the directory. It makes it, for this user only, if there is none. An empty path
// holds nothing.
func holdStreamDir(path string) (d streamDir, err error) {
	if path == "" {
		return d, nil
	}
	if d.path, err = filepath.Abs(path); err != nil {
		return d, fmt.Errorf("framebuffer: JetStream's directory %q: %w", path, err)
	}
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return d, fmt.Errorf("framebuffer: JetStream's directory: %w", err)
	}
	if d.held, err = os.Open(d.path); err != nil {
		return d, fmt.Errorf("framebuffer: JetStream's directory: %w", err)
	}
	// The kernel releases the lock when the process ends, however it ends.
	if err := unix.Flock(int(d.held.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return d, errors.Join(fmt.Errorf("framebuffer: JetStream's directory %s is another server's, which runs: give each its own: %w", d.path, err), d.release())
	}
	return d, nil
}

// configure turns JetStream on in a NATS server's options, if the directory is held.
func (d *streamDir) configure(o *natsserver.Options, file string) error {
	if d.path == "" {
		return nil
	}
	if o.StoreDir != "" && filepath.Clean(o.StoreDir) != d.path {
		return fmt.Errorf("framebuffer: JetStream's directory is %s in %s and %s in Config.JetStream: name it in one of them", o.StoreDir, file, d.path)
	}
	o.JetStream, o.StoreDir = true, d.path
	return nil
}

func (d *streamDir) release() error {
	if d.held == nil {
		return nil
	}
	err := d.held.Close()
	d.held = nil
	return err
}
