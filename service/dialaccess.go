package service

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// dial connects and, once it has, reconnects for ever.
func (a access) dial(ctx context.Context, name string, more ...nats.Option) (*nats.Conn, error) {
	opts := append(a.options(), nats.Name(name), nats.Timeout(dialTimeout), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort())
	nc, err := a.connect(ctx, append(opts, more...)...)
	if err != nil {
		return nil, fmt.Errorf("service: connect to NATS at %s: %w", redactURL(a.URL), a.explainEntry(err))
	}
	return nc, nil
}

// dialTimeout bounds one attempt to get into NATS.
const dialTimeout = 5 * time.Second
