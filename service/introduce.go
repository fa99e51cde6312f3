package service

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// errSilent is what is known of a server that said that it is there, and then nothing more.
var errSilent = fmt.Errorf("it did not answer within %v, or other answers left no room for its", natsconn.RequestTimeout)

// introductions asks all of these servers about themselves. They share maxAnswerBytes: of a few servers
// all topics are listed, of a thousand some of each.
func introductions(ctx context.Context, nc *nats.Conn, pings []micro.Ping) []Host {
	ctx, cancel := context.WithTimeout(ctx, natsconn.RequestTimeout)
	defer cancel()
	all := make([]Host, len(pings))
	for i, p := range pings {
		all[i] = Host{Host: p.Metadata[wire.MetaHost], Name: p.Metadata[wire.MetaName], ID: p.ID, Version: p.Version}
	}
	if err := introduce(ctx, nc, all); err != nil {
		for i := range all {
			if all[i].Capacity == 0 && all[i].Err == "" {
				all[i].Err = wire.Clip(fmt.Sprintf("service: request %s: %v", wire.OwnSubject(all[i].ID, wire.EndpointAbout), err))
			}
		}
	}
	return all
}

// introduce fills in what the servers say of themselves. Its error is why some have said nothing.
func introduce(ctx context.Context, nc *nats.Conn, all []Host) error {
	inbox := natsconn.SecretInbox(nc)
	in, err := natsconn.OpenInbox(ctx, nc, inbox+".*")
	if err != nil {
		return err
	}
	defer in.Close()
	waiting, asked := make(map[string]int, len(all)), make([]time.Time, len(all))
	each := min(natsconn.MaxAnswerBytes/len(all), natsconn.MaxAnswer)
	for i, h := range all {
		reply := inbox + "." + strconv.Itoa(i)
		q := natsconn.ManyRequest{Subject: wire.OwnSubject(h.ID, wire.EndpointAbout), MaxAnswer: each}
		waiting[reply], asked[i] = i, time.Now()
		if err := nc.PublishMsg(q.Message(reply)); err != nil {
			return err
		}
	}
	for len(waiting) > 0 {
		m, err := in.Next(ctx, natsconn.RequestTimeout)
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("%w: %w", errSilent, err)
		}
		if err != nil {
			return err
		}
		i, first := waiting[m.Subject]
		if !first {
			continue
		}
		delete(waiting, m.Subject)
		h, err := introduced(m, each)
		if err != nil {
			all[i].Err = wire.Clip(fmt.Sprintf("service: request %s: %v", wire.OwnSubject(all[i].ID, wire.EndpointAbout), err))
			continue
		}
		h.ID, h.RTT = all[i].ID, time.Since(asked[i])
		all[i] = h
	}
	return nil
}

// introduced reads one server's answer.
func introduced(m *nats.Msg, each int) (h Host, err error) {
	if natsconn.IsNoResponders(m) {
		return h, fmt.Errorf("%w: it does not listen any more: %w", wire.ErrNoServer, nats.ErrNoResponders)
	}
	if word := m.Header.Get(micro.ErrorCodeHeader); word != "" {
		return h, wire.ErrorOf(word, m.Header.Get(micro.ErrorHeader))
	}
	return readHost(m.Data, each)
}
