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
)

// GetKey asks the server for its key, as the seed's get_key does.
func (c *Client) GetKey(ctx context.Context) (string, error) {
	text, _, err := c.call(ctx, c.attached.Load().id, epKey, nil)
	return text, err
}

// RemoteAllocate asks the server to allocate, as the seed's allocate does. Allocate is the
// same without the round trip. Errors are those of framebuffer.Server.Allocate, and
// ErrNoServer.
func (c *Client) RemoteAllocate(ctx context.Context, size int) (offset uint64, err error) {
	text, _, err := c.call(ctx, c.attached.Load().id, epAllocate, []byte(strconv.Itoa(size)))
	if err != nil {
		return 0, err
	}
	return framebuffer.ParseOffset(text)
}

// RemoteStats asks the server for its figures.
func (c *Client) RemoteStats(ctx context.Context) (st framebuffer.Stats, err error) {
	text, _, err := c.call(ctx, c.attached.Load().id, epStat, nil)
	if err != nil {
		return st, err
	}
	if err := json.Unmarshal([]byte(text), &st); err != nil {
		return st, fmt.Errorf("service: stat answered %.100q: %w", text, err)
	}
	return st, nil
}

// call sends one request and returns the answer and who gave it, or the error that the
// server sent. An empty id means whichever server answers.
func (c *Client) call(ctx context.Context, id, endpoint string, request []byte) (answer, from string, err error) {
	subject := serviceName + "." + endpoint
	if id != "" {
		subject = serviceName + "." + id + "." + endpoint
	}
	if _, ok := ctx.Deadline(); !ok { // NATS would wait for ever
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, rpcLimit)
		defer cancel()
	}
	m, err := c.nats.RequestWithContext(ctx, subject, request)
	if errors.Is(err, nats.ErrNoResponders) {
		return "", "", fmt.Errorf("%w: nobody answers %s on the NATS at %s: start one there with `framebuffer serve --nats URL`: %w",
			ErrNoServer, subject, c.nats.ConnectedUrlRedacted(), err)
	}
	if err != nil {
		return "", "", fmt.Errorf("service: request %s: %w", subject, err)
	}
	if word := m.Header.Get(micro.ErrorCodeHeader); word != "" {
		return "", "", fromWire(word, m.Header.Get(micro.ErrorHeader))
	}
	return string(m.Data), m.Header.Get(idHeader), nil
}
