package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// instance presents this server as a NATS micro service: `nats micro` lists it, and the counters of
// each endpoint. It implements the protocol of nats.go's micro package and uses that package's
// types. It does not use the package's own service, which publishes its answers, also to PING, INFO
// and STATS, on any subject that a requester names, and offers no way to refuse one.
type instance struct {
	nats     *nats.Conn
	replies  *natsconn.Replies
	log      *slog.Logger
	identity micro.ServiceIdentity
	started  time.Time

	mu        sync.Mutex
	endpoints []*micro.EndpointStats
	subs      []*nats.Subscription
}

// endpointGroup is the queue group of endpoints whose requests one server answers: the default
// group of micro.
const endpointGroup = micro.DefaultQueueGroup

// newInstance subscribes to PING, INFO and STATS requests, and answers them.
func newInstance(nc *nats.Conn, answers *natsconn.Replies, log *slog.Logger, metadata map[string]string) (*instance, error) {
	in := &instance{nats: nc, replies: answers, log: log, started: time.Now().UTC(), identity: micro.ServiceIdentity{
		Name: wire.Service, ID: strings.TrimPrefix(nats.NewInbox(), nats.InboxPrefix), Version: Version, Metadata: metadata,
	}}
	for verb, text := range map[micro.Verb]func() ([]byte, error){
		micro.PingVerb: func() ([]byte, error) {
			return json.Marshal(micro.Ping{ServiceIdentity: in.identity, Type: micro.PingResponseType})
		},
		micro.InfoVerb:  func() ([]byte, error) { return json.Marshal(in.Info()) },
		micro.StatsVerb: func() ([]byte, error) { return json.Marshal(in.stats()) },
	} {
		for _, of := range [][2]string{{}, {wire.Service}, {wire.Service, in.identity.ID}} {
			subject, err := micro.ControlSubject(verb, of[0], of[1])
			if err == nil {
				err = in.listen(subject, "", func(m *nats.Msg) error { return respond(m, text) })
			}
			if err != nil {
				return nil, errors.Join(err, in.Stop())
			}
		}
	}
	return in, nil
}

// respond answers a request with what text returns.
func respond(m *nats.Msg, text func() ([]byte, error)) error {
	data, err := text()
	if err != nil {
		return err
	}
	return m.Respond(data)
}

// listen subscribes to a subject, and calls do for each request whose reply subject is allowed.
// With a queue group, NATS delivers each request to one server of the group.
func (in *instance) listen(subject, group string, do func(*nats.Msg) error) error {
	handler := in.replies.Only(func(m *nats.Msg) {
		if err := do(m); err != nil {
			in.log.Warn("an answer was not sent", "messaging.destination.name", m.Subject, "error.message", err)
		}
	})
	sub, err := in.nats.QueueSubscribe(subject, group, handler) // an empty group means no group
	if err = natsconn.LimitRequests(sub, err); err != nil {
		return fmt.Errorf("service: endpoint %s: %w", subject, err)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.subs = append(in.subs, sub)
	return nil
}

// add adds an endpoint, and calls do for each of its requests. Errors of do are counted in the
// endpoint's counters.
func (in *instance) add(name, subject, group string, do func(*nats.Msg) error) error {
	e := &micro.EndpointStats{Name: name, Subject: subject, QueueGroup: group}
	in.mu.Lock()
	in.endpoints = append(in.endpoints, e)
	in.mu.Unlock()
	return in.listen(subject, group, func(m *nats.Msg) error {
		begun := time.Now()
		err := do(m)
		in.mu.Lock()
		defer in.mu.Unlock()
		e.NumRequests++
		e.ProcessingTime += time.Since(begun)
		e.AverageProcessingTime = e.ProcessingTime / time.Duration(e.NumRequests)
		var told *toldError
		if err != nil {
			e.NumErrors++
			e.LastError = err.Error()
		}
		if errors.As(err, &told) { // the answer with the error was sent
			return nil
		}
		return err
	})
}

// toldError is an error that was sent to the requester.
type toldError struct{ err error }

func (e *toldError) Error() string { return wire.CodeOf(e.err) + ":" + e.err.Error() }
func (e *toldError) Unwrap() error { return e.err }

// Info returns the answer to INFO requests.
func (in *instance) Info() micro.Info {
	in.mu.Lock()
	defer in.mu.Unlock()
	info := micro.Info{
		ServiceIdentity: in.identity, Type: micro.InfoResponseType, Endpoints: []micro.EndpointInfo{},
		Description: "frames through shared memory: the key to attach with, allocation, figures",
	}
	for _, e := range in.endpoints {
		info.Endpoints = append(info.Endpoints, micro.EndpointInfo{Name: e.Name, Subject: e.Subject, QueueGroup: e.QueueGroup})
	}
	return info
}

// stats returns the answer to STATS requests.
func (in *instance) stats() micro.Stats {
	in.mu.Lock()
	defer in.mu.Unlock()
	st := micro.Stats{ServiceIdentity: in.identity, Type: micro.StatsResponseType, Started: in.started, Endpoints: []*micro.EndpointStats{}}
	for _, e := range in.endpoints {
		one := *e
		st.Endpoints = append(st.Endpoints, &one)
	}
	return st
}

// Stop ends the subscriptions, after the requests that have arrived. If the connection is closed,
// there are none to end.
func (in *instance) Stop() error {
	in.mu.Lock()
	subs := slices.Clone(in.subs)
	in.subs = nil
	in.mu.Unlock()
	var errs []error
	for _, sub := range subs {
		if err := sub.Drain(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
			errs = append(errs, fmt.Errorf("service: leave %s: %w", sub.Subject, err))
		}
	}
	return errors.Join(errs...)
}
