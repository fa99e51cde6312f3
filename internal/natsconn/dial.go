package natsconn

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// Dial connects and, once it has, reconnects for ever.
func (a Access) Dial(ctx context.Context, name string, more ...nats.Option) (*nats.Conn, error) {
	opts := append(a.Options(), nats.Name(name), nats.Timeout(DialTimeout), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort())
	nc, err := a.Connect(ctx, append(opts, more...)...)
	if err != nil {
		return nil, fmt.Errorf("framebuffer: connect to NATS at %s: %w", RedactURL(a.URL), a.ExplainEntry(err))
	}
	return nc, nil
}

// DialTimeout bounds one attempt to get into NATS.
const DialTimeout = 5 * time.Second
