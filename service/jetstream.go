package service

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sys/unix"
)

// ErrNoJetStream says that the NATS keeps nothing, because JetStream is not turned on there or
// not for this account. Recordings need it.
var ErrNoJetStream = errors.New("framebuffer: NATS has no JetStream here, which keeps recordings")

// explainJetStream adds the remedy to an error that says that there is no JetStream.
func explainJetStream(err error) error {
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fmt.Errorf("%w: turn it on for the account that the service is in, in NATS's configuration: `jetstream: enabled` (%w)", ErrNoJetStream, err)
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("%w: start the server with `framebuffer serve --jetstream DIR`, or have `jetstream { store_dir: DIR }` in the file of --nats-config or of your own NATS; credentials must allow what examples/hosts/recordings.conf gives the recorder and the replayer, or $JS.API.> and framebuffer-recording.> (%w)", ErrNoJetStream, err)
	}
	return err
}

// keepIn has the embedded NATS keep streams in that directory.
func keepIn(o *natsserver.Options, dir, file string) error {
	if dir == "" {
		return nil
	}
	if o.StoreDir != "" && filepath.Clean(o.StoreDir) != dir {
		return fmt.Errorf("service: JetStream's directory is %s in %s and %s in Config.JetStream: name it in one of them", o.StoreDir, file, dir)
	}
	o.JetStream, o.StoreDir = true, dir
	return nil
}

// directory is where an embedded JetStream keeps its streams, held by one server at a time:
// two that write there would spoil each other's.
type directory struct {
	path string
	held *os.File
}

// holdDirectory makes the directory, for this user alone, if there is none.
func holdDirectory(path string) (d directory, err error) {
	if path == "" {
		return d, nil
	}
	if d.path, err = filepath.Abs(path); err != nil {
		return d, fmt.Errorf("service: JetStream's directory %q: %w", path, err)
	}
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return d, fmt.Errorf("service: JetStream's directory: %w", err)
	}
	if d.held, err = os.Open(d.path); err != nil {
		return d, fmt.Errorf("service: JetStream's directory: %w", err)
	}
	// The kernel lets go of it with the process, however that ends.
	if err := unix.Flock(int(d.held.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return d, errors.Join(fmt.Errorf("service: JetStream's directory %s is another server's, which runs: give each its own: %w", d.path, err), d.release())
	}
	return d, nil
}

func (d *directory) release() error {
	if d.held == nil {
		return nil
	}
	err := d.held.Close()
	d.held = nil
	return err
}
