package record

import (
	"errors"
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrTooMany says that there are more recordings than [List] returns.
var ErrTooMany = wire.ErrTooMany

// ErrNoJetStream says that JetStream, which stores recordings, is not enabled in the NATS server or
// for this account.
var ErrNoJetStream = errors.New("framebuffer: NATS has no JetStream here, which keeps recordings")

// explainJetStream adds the remedy to an error that means that JetStream is not enabled.
func explainJetStream(err error) error {
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fmt.Errorf("%w: turn it on for the account that the service is in, in NATS's configuration: `jetstream: enabled` (%w)", ErrNoJetStream, err)
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("%w: start the server with `framebuffer serve --jetstream DIR`, or have `jetstream { store_dir: DIR }` in the file of --nats-config or of your own NATS; credentials must allow what examples/hosts/recordings.conf gives the recorder and the replayer, or $JS.API.> and framebuffer-recording.> (%w)", ErrNoJetStream, err)
	}
	return err
}
