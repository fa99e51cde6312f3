package natsconn

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
)

// dialer dials NATS for a client that stays connected for good. The embedded NATS of a server that
// was restarted has another port and another password: nats.go asks for both at each attempt, and
// dialer returns those of the server that has the name at that moment. A NATS of the user's own is
// dialled at its own addresses, whether a framebuffer server runs or not.
type dialer struct {
	name  string
	moves bool   // the NATS is embedded in the server of that name
	found func() // is called when a server was found again

	mu      sync.Mutex
	ctx     context.Context // Connect's, then the client's life
	opening []func() bool   // what ties connections to Connect's context
	last    Access
}

var _ nats.CustomDialer = (*dialer)(nil)

// NewDialer returns a dialer for the NATS of the server of that name. The context bounds dialling
// until settle. With embedded, it calls found whenever a server was found again after that.
func NewDialer(ctx context.Context, name string, embedded bool, found func()) *dialer {
	return &dialer{name: name, moves: embedded, found: found, ctx: ctx, opening: []func() bool{}}
}

// Options returns the options of a connection that it dials with that access.
func (d *dialer) Options(a Access) []nats.Option {
	opts := []nats.Option{nats.SetCustomDialer(d), nats.SkipHostLookup()} // Dial resolves names, within its context
	if d.moves && a.User != "" {                                          // the next server has another password
		return append(append(opts, a.common()...), nats.UserInfoHandler(d.login))
	}
	return append(opts, a.Options()...)
}

// Settle ends the opening: from now on only the client's life bounds dialling.
func (d *dialer) Settle(life context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, untie := range d.opening {
		untie()
	}
	d.ctx, d.opening = life, nil
}

// Dial connects to the address, or to that of the server's embedded NATS as it is now.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	d.mu.Lock()
	ctx, opening := d.ctx, d.opening != nil
	d.mu.Unlock()
	if d.moves {
		a, err := Find(ctx, d.name)
		if err != nil {
			return nil, err
		}
		if !opening { // its ring may be another one, whatever becomes of NATS
			d.found()
		}
		if address, err = d.moveTo(a); err != nil {
			return nil, err
		}
	}
	conn, err := (&net.Dialer{Timeout: DialTimeout}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.opening != nil {
		// The handshake, which nats.go does on its own clock, ends with Connect's context too.
		d.opening = append(d.opening, context.AfterFunc(ctx, func() { _ = conn.Close() }))
	}
	return conn, nil
}

// moveTo returns where the server's NATS is now and keeps its login. A server that moved
// from its embedded NATS to the user's own is followed as far as one password goes; for
// certificates and files of credentials the program has to connect anew.
func (d *dialer) moveTo(a Access) (address string, err error) {
	urls, err := natsURLs(a.URL)
	if err != nil {
		return "", err
	}
	if len(urls) == 0 {
		return "", fmt.Errorf("framebuffer: the server %q names no NATS: update it", NameOrDefault(d.name))
	}
	first := urls[0]
	if user := first.User; user != nil && !a.Embedded {
		a.User = user.Username()
		a.Password, _ = user.Password()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = a
	if first.Port() == "" {
		return net.JoinHostPort(first.Hostname(), strconv.Itoa(nats.DefaultPort)), nil
	}
	return first.Host, nil
}

// login is asked for after each Dial.
func (d *dialer) login() (user, password string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last.User, d.last.Password
}
