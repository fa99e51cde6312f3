package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/monitor"
)

// GetKey asks the server for its key.
func (c *Client) GetKey(ctx context.Context) (string, error) {
	return c.attachedCall(ctx, wire.EndpointKey, nil)
}

// RemoteAllocate asks the attached server to allocate. [Client.Allocate] does the same without a round
// trip. Errors are those of [framebuffer.Server.Allocate], and [ErrNoServer].
func (c *Client) RemoteAllocate(ctx context.Context, size int) (offset uint64, err error) {
	text, err := c.attachedCall(ctx, wire.EndpointAllocate, []byte(strconv.Itoa(size)))
	if err != nil {
		return 0, err
	}
	return fberr.ParseOffset(text)
}

// RemoteStats asks the server for the state of its segment.
func (c *Client) RemoteStats(ctx context.Context) (*monitor.Snapshot, error) {
	text, err := c.attachedCall(ctx, wire.EndpointStat, nil)
	if err != nil {
		return nil, err
	}
	if err := wire.CheckDense([]byte(text)); err != nil {
		return nil, err
	}
	s := new(monitor.Snapshot)
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return nil, fmt.Errorf("service: stat answered %.100q: %w", text, err)
	}
	if s.Capacity == 0 {
		return nil, fmt.Errorf("service: stat answered %.100q: that server is of an earlier version: update it, or look at its ring with `framebuffer stat` of its version", text)
	}
	return s, nil
}

// attachedCall sends a request to the attached server. If that has ended or closed, it did nothing, and
// attachedCall sends the request to its successor, once.
func (c *Client) attachedCall(ctx context.Context, endpoint string, data []byte) (string, error) {
	a := c.attached.Load()
	text, err := c.call(ctx, a.id, endpoint, data)
	if !errors.Is(err, ErrNoServer) && !errors.Is(err, framebuffer.ErrClosed) {
		return text, err
	}
	if refreshErr := c.refresh(ctx, a); refreshErr != nil {
		return "", fmt.Errorf("%w (and there is no successor yet: %w)", err, refreshErr)
	}
	if now := c.attached.Load(); now != a {
		return c.call(ctx, now.id, endpoint, data)
	}
	return "", err
}

// call is request on this client's connection.
func (c *Client) call(ctx context.Context, id, endpoint string, data []byte) (string, error) {
	return request(ctx, c.nats, id, endpoint, data)
}

// request sends a request to one server and returns its answer, or the error that it answered with.
func request(ctx context.Context, nc *nats.Conn, id, endpoint string, data []byte) (string, error) {
	subject := wire.OwnSubject(id, endpoint)
	if _, ok := ctx.Deadline(); !ok { // NATS would wait for ever
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, natsconn.RequestTimeout)
		defer cancel()
	}
	m, err := nc.RequestWithContext(ctx, subject, data)
	if errors.Is(err, nats.ErrNoResponders) {
		return "", fmt.Errorf("%w: no server answers %s any more on the NATS at %s: start a server with `framebuffer serve`: %w",
			ErrNoServer, subject, natsconn.RedactURL(nc.ConnectedUrl()), err)
	}
	if errors.Is(err, nats.ErrConnectionClosed) {
		return "", fmt.Errorf("%w: %w", wire.ErrClientClosed(), err)
	}
	if err != nil {
		return "", fmt.Errorf("service: request %s: %w", subject, err)
	}
	if word := m.Header.Get(micro.ErrorCodeHeader); word != "" {
		return "", wire.ErrorOf(word, m.Header.Get(micro.ErrorHeader))
	}
	return string(m.Data), nil
}
