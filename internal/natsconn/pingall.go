package natsconn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// PingAll returns the framebuffer servers on a NATS. It returns 1000 of them and wire.ErrTooMany if
// there are more.
func PingAll(ctx context.Context, nc *nats.Conn) (all []micro.Ping, err error) {
	subject, err := micro.ControlSubject(micro.PingVerb, wire.Service, "")
	if err != nil {
		return nil, fmt.Errorf("framebuffer: %w", err)
	}
	ask := ManyRequest{Subject: subject, MaxAnswer: MaxIdentity, First: RequestTimeout, Next: NextAnswer}
	err = RequestMany(ctx, nc, ask, func(m *nats.Msg, _ time.Duration) bool {
		var p micro.Ping
		if json.Unmarshal(m.Data, &p) == nil && wire.ValidID(p.ID) {
			said := map[string]string{wire.MetaHost: wire.Clip(p.Metadata[wire.MetaHost]), wire.MetaName: wire.Clip(p.Metadata[wire.MetaName])}
			all = append(all, micro.Ping{ServiceIdentity: micro.ServiceIdentity{ID: p.ID, Version: wire.Clip(p.Version), Metadata: said}})
		}
		return true
	})
	return all, err
}

// errNoAnswer is the error of a server that answered a ping and then no request.
var errNoAnswer = fmt.Errorf("it did not answer within %v, or other answers left no room for its", RequestTimeout)

// Answer is one server's answer to a request to each.
type Answer struct {
	Server int // index of its ID
	Data   []byte
	Err    error // it answered with this error, or does not listen any more
	After  time.Duration
}

// RequestEach sends a request to that endpoint of each of the servers with these IDs, and calls take
// with their answers as they come. The answers share a limit of size: a few servers may answer at
// length, and a thousand briefly. Its error is why some have not answered.
func RequestEach(ctx context.Context, nc *nats.Conn, ids []string, endpoint string, take func(Answer)) error {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	subject := SecretInbox(nc)
	in, err := OpenInbox(ctx, nc, subject+".*")
	if err != nil {
		return err
	}
	defer in.Close()
	waiting, asked := make(map[string]int, len(ids)), make([]time.Time, len(ids))
	limit := min(MaxAnswerBytes/max(len(ids), 1), MaxAnswer)
	for i, id := range ids {
		reply := subject + "." + strconv.Itoa(i)
		q := ManyRequest{Subject: wire.OwnSubject(id, endpoint), MaxAnswer: limit}
		waiting[reply], asked[i] = i, time.Now()
		if err := nc.PublishMsg(q.Message(reply)); err != nil {
			return err
		}
	}
	for len(waiting) > 0 {
		m, err := in.Next(ctx, RequestTimeout)
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("%w: %w", errNoAnswer, err)
		}
		if err != nil {
			return err
		}
		i, first := waiting[m.Subject]
		if !first {
			continue
		}
		delete(waiting, m.Subject)
		take(Answer{Server: i, Data: m.Data, Err: answerError(m, limit), After: time.Since(asked[i])})
	}
	return nil
}

// answerError returns the error that an answer is, or nil.
func answerError(m *nats.Msg, limit int) error {
	switch word := m.Header.Get(micro.ErrorCodeHeader); {
	case IsNoResponders(m):
		return fmt.Errorf("%w: it does not listen any more: %w", wire.ErrNoServer, nats.ErrNoResponders)
	case word != "":
		return wire.ErrorOf(word, m.Header.Get(micro.ErrorHeader))
	case len(m.Data) > limit:
		return fmt.Errorf("%w: it answered %d bytes, and %d were asked for at most", fberr.TooLarge, len(m.Data), limit)
	}
	return nil
}
