package remote

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// errNoDescription says that a server answered the ping and not the request to describe itself.
var errNoDescription = fmt.Errorf("it did not answer within %v, or other answers left no room for its", natsconn.RequestTimeout)

// describeAll asks all of these servers to describe themselves. They share natsconn.MaxAnswerBytes: a few
// servers list all of their topics, a thousand some of them.
func describeAll(ctx context.Context, nc *nats.Conn, identities []Host) []Host {
	ctx, cancel := context.WithTimeout(ctx, natsconn.RequestTimeout)
	defer cancel()
	if err := describe(ctx, nc, identities); err != nil {
		for i := range identities {
			if h := &identities[i]; h.Capacity == 0 && h.Err == "" {
				h.setErr(err)
			}
		}
	}
	return identities
}

func (h *Host) setErr(err error) {
	h.Err = wire.Clip(fmt.Sprintf("remote: request %s: %v", wire.OwnSubject(h.ID, wire.EndpointAbout), err))
}

// describe replaces the identities by what the servers say of themselves. Its error says why some
// have not answered.
func describe(ctx context.Context, nc *nats.Conn, all []Host) error {
	inbox := natsconn.SecretInbox(nc)
	in, err := natsconn.OpenInbox(ctx, nc, inbox+".*")
	if err != nil {
		return err
	}
	defer in.Close()
	waiting, requested := make(map[string]int, len(all)), make([]time.Time, len(all))
	limit := min(natsconn.MaxAnswerBytes/len(all), natsconn.MaxAnswer)
	for i, h := range all {
		reply := inbox + "." + strconv.Itoa(i)
		request := natsconn.ManyRequest{Subject: wire.OwnSubject(h.ID, wire.EndpointAbout), MaxAnswer: limit}
		waiting[reply], requested[i] = i, time.Now()
		if err := nc.PublishMsg(request.Message(reply)); err != nil {
			return err
		}
	}
	for len(waiting) > 0 {
		m, err := in.Next(ctx, natsconn.RequestTimeout)
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("%w: %w", errNoDescription, err)
		}
		if err != nil {
			return err
		}
		i, first := waiting[m.Subject]
		if !first {
			continue
		}
		delete(waiting, m.Subject)
		h, err := parseDescription(m, limit)
		if err != nil {
			all[i].setErr(err)
			continue
		}
		h.ID = all[i].ID
		h.setRTT(time.Since(requested[i]))
		all[i] = h
	}
	return nil
}

// parseDescription returns what a server's answer says.
func parseDescription(m *nats.Msg, limit int) (h Host, err error) {
	if natsconn.IsNoResponders(m) {
		return h, fmt.Errorf("%w: it does not listen any more: %w", ErrNoServer, nats.ErrNoResponders)
	}
	if word := m.Header.Get(micro.ErrorCodeHeader); word != "" {
		return h, wire.ErrorOf(word, m.Header.Get(micro.ErrorHeader))
	}
	return ParseHost(m.Data, limit)
}
