package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// rollLimit is how long after one server's answer another may come.
const rollLimit = time.Second

// ask finds a server on the user's own NATS: the one attached if it still answers, or else
// any of the right name whose memory is within reach.
//
// Asking framebuffer.get_key would not do. Any server answers that, of whatever host, and
// nothing says which it was, so that an offset could later be allocated by another one, and
// mean another frame here.
func (c *Client) ask(ctx context.Context, old *attachment) (*attachment, error) {
	if old != nil {
		brief, cancel := context.WithTimeout(ctx, rollLimit) // it may die while being asked
		key, err := c.call(brief, old.id, epKey, nil)
		cancel()
		if err == nil && key == old.ring.Key() {
			return old, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
	}
	// Any may be named; without a name it is most likely one of this host, and only otherwise is
	// everybody asked.
	names := []string{c.options.Name}
	if orDefault(c.options.Name) == DefaultName {
		names = []string{(&Config{}).host(), DefaultName}
	}
	var failures []error
	for _, name := range names {
		now, err := c.askThose(ctx, name, &failures)
		if now != nil || err != nil {
			return now, err
		}
	}
	if len(failures) == 0 {
		return nil, fmt.Errorf("%w named %q on the NATS at %s: start one there with `framebuffer serve --nats URL`",
			ErrNoServer, orDefault(c.options.Name), c.where())
	}
	return nil, fmt.Errorf("service: no server on the NATS at %s can be attached to from here: %w", c.where(), errors.Join(failures...))
}

// askThose asks the servers of that name, of hosts or servers, or all if it is the default, for the first
// that can be attached to. Of others it adds some failures.
func (c *Client) askThose(ctx context.Context, name string, failures *[]error) (*attachment, error) {
	roll, err := c.callRoll(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = roll.Unsubscribe() }() // fails only when the connection is closed
	for n := range maxServers {
		id, err := c.nextOfRoll(ctx, roll, n == 0)
		if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("service: look for servers on the NATS at %s: %w", c.where(), err)
		}
		if id == "" {
			continue
		}
		now, err := c.tryServer(ctx, id)
		if err == nil {
			return now, nil
		}
		if len(*failures) < 3 { // enough for people to see what is wrong
			*failures = append(*failures, fmt.Errorf("server %s: %w", id, err))
		}
	}
	return nil, nil
}

// callRoll asks all servers to say that they are there, or those of a name that is not the default.
func (c *Client) callRoll(name string) (*nats.Subscription, error) {
	subject, err := micro.ControlSubject(micro.PingVerb, serviceName, "")
	if err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	if orDefault(name) != DefaultName {
		subject = atSubject(name)
	}
	inbox := c.nats.NewInbox()
	roll, err := c.nats.SubscribeSync(inbox)
	if err == nil {
		err = c.nats.PublishRequest(subject, inbox, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("service: request %s: %w", subject, err)
	}
	return roll, nil
}

// nextOfRoll returns the next server that answers, or "" for one that is not meant. With no
// server at all NATS says so at once; the first may take as long as the caller allows.
func (c *Client) nextOfRoll(ctx context.Context, roll *nats.Subscription, first bool) (id string, err error) {
	if !first {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, rollLimit)
		defer cancel()
	}
	m, err := roll.NextMsgWithContext(ctx)
	if err != nil {
		return "", err
	}
	var h Host // or a micro.Ping, whose ID has the same name
	if json.Unmarshal(m.Data, &h) != nil || !idForm.MatchString(h.ID) {
		return "", nil
	}
	if want := orDefault(c.options.Name); want != DefaultName && h.Name != want { // it is a host of that name
		return "", nil
	}
	return h.ID, nil
}

// tryServer asks one server for its key and attaches.
func (c *Client) tryServer(ctx context.Context, id string) (*attachment, error) {
	ctx, cancel := context.WithTimeout(ctx, rollLimit)
	defer cancel()
	key, err := c.call(ctx, id, epKey, nil)
	if err != nil {
		return nil, err
	}
	return c.attach(key, id)
}

// where is the NATS, for people.
func (c *Client) where() string {
	if url := c.nats.ConnectedUrl(); url != "" {
		return shown(url)
	}
	return shown(c.options.URL)
}

// idForm keeps what is no id out of subjects.
var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
