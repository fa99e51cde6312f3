package remote

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/stream"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

const (
	// maxTransfers is how many frames a source sends at a time, and maxWaiting how many more requests
	// may wait for that.
	maxTransfers = 64
	maxWaiting   = 1024

	// minPayload is what a NATS message must hold: the headers of a part, metadata among them, and
	// some bytes.
	minPayload = 8 << 10
)

// SourceOptions are for [NewSource]. Package service fills them in.
type SourceOptions struct {
	Key            string // of the ring
	ID, Host, Name string // of the server

	// Replies decides to which subjects the source may send its answers.
	Replies *natsconn.Replies

	// SigningKey signs what is sent to readers and mirrors that request signatures. Nil: nothing is
	// signed, and such requests fail with [ErrUntrusted].
	SigningKey *sign.Key

	// Logger receives the source's log. Default: nothing is logged.
	Logger *slog.Logger
}

// Source answers the requests of other hosts for the frames and topics of one ring. Its methods may be
// called concurrently.
type Source struct {
	// The source subscribes to requests on the connection on which it sends the streams. NATS
	// routes a reply reliably only from the connection that received the request: on another one,
	// over a gateway or another route of a cluster, the requester's subscription may not be known
	// yet, and what is sent until then is dropped silently.
	nats    *nats.Conn
	options SourceOptions
	log     *slog.Logger
	sender  *stream.Sender
	life    context.Context
	end     context.CancelFunc

	requests  *limiter      // frames in transfer or waiting
	transfers chan struct{} // one for each frame in transfer
	guesses   guesses
	mirrors   *limiter // streams of topics
	poller    poller   // of those topics

	working sync.WaitGroup

	mu     sync.Mutex
	client *framebuffer.Client // attached to the ring by the first request
	closed bool
}

// NewSource answers requests on a connection, which the source closes, also if NewSource fails. The
// connection must not keep messages for after a reconnection (nats.ReconnectBufSize(-1)): they would be
// of no use then.
func NewSource(nc *nats.Conn, opts *SourceOptions) (*Source, error) {
	s := &Source{
		nats: nc, options: *opts, log: cmp.Or(opts.Logger, slog.New(slog.DiscardHandler)),
		requests:  newLimiter("frames are on their way to other hosts or wait", maxTransfers+maxWaiting),
		transfers: make(chan struct{}, maxTransfers),
		mirrors:   newLimiter("topics are mirrored from here", maxStreams(os.DirFS("/"))),
	}
	s.life, s.end = context.WithCancel(context.Background())
	if err := s.listen(); err != nil {
		_ = s.Close() // it has no client yet, and so no error
		return nil, err
	}
	return s, nil
}

// listen subscribes to requests for frames and for topics.
func (s *Source) listen() (err error) {
	url := natsconn.RedactURL(s.nats.ConnectedUrl())
	if limit := s.nats.MaxPayload(); limit < minPayload {
		return fmt.Errorf("remote: NATS at %s takes payloads of %d bytes at most, and what goes to other hosts needs %d: raise max_payload in its configuration", url, limit, minPayload)
	}
	if s.sender, err = stream.NewSender(s.nats, wire.Service+"."+s.options.ID); err != nil {
		return fmt.Errorf("remote: %w", err)
	}
	for subject, handle := range map[string]nats.MsgHandler{
		wire.ReadSubject(s.options.Key):                    s.read,
		wire.OwnSubject(s.options.ID, wire.EndpointMirror): s.mirror,
	} {
		sub, err := s.nats.Subscribe(subject, s.options.Replies.Only(handle))
		if err = natsconn.LimitRequests(sub, err); err != nil {
			return fmt.Errorf("remote: endpoint %s: %w", subject, err)
		}
	}
	if err := s.nats.FlushTimeout(natsconn.ReadyTimeout); err != nil { // now NATS knows the subscriptions
		return fmt.Errorf("remote: NATS at %s did not confirm within %v that it knows where frames are asked for; is it within reach?: %w", url, natsconn.ReadyTimeout, err)
	}
	return nil
}

// Close ends all transfers and closes the connection.
func (s *Source) Close() error {
	s.end()
	s.nats.Close()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.working.Wait()
	if s.client == nil { // which no goroutine sets any more
		return nil
	}
	return s.client.Close()
}

// ring returns a client that is attached to the source's ring. It attaches at the first request.
// Monitoring shows the client, and what other hosts read through it.
func (s *Source) ring() (*framebuffer.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("%w: the service is ending", framebuffer.ErrClosed)
	}
	if s.client == nil {
		c, err := framebuffer.Attach(s.options.Key, &framebuffer.ClientOptions{Name: "framebuffer hosts", Unverified: true})
		if err != nil {
			return nil, err
		}
		s.client = c
	}
	return s.client, nil
}

// work runs f in a goroutine, which Close waits for.
func (s *Source) work(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.working.Go(f)
	}
}

// respondError answers a request with an error. If a stream has begun the error follows its parts.
func (s *Source) respondError(request *nats.Msg, err error) {
	m := nats.NewMsg(request.Reply)
	m.Header.Set(micro.ErrorCodeHeader, wire.CodeOf(err))
	m.Header.Set(micro.ErrorHeader, err.Error())
	m.Header.Set(wire.HeaderID, s.options.ID)
	if err := s.nats.PublishMsg(m); err != nil {
		s.log.Warn("an answer was not sent", "messaging.destination.name", request.Subject, "error.message", err)
	}
}
