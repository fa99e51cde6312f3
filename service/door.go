package service

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
)

// door is how the NATS connection is dialled. The embedded NATS of a server that was
// restarted has another port and another password; nats.go asks for both at each attempt,
// and gets those of whatever server has the name at that moment. The user's own NATS is
// dialled at its own addresses, whether a server runs or not.
type door struct {
	name  string
	moves bool   // the NATS is embedded in the server of that name
	found func() // told when a server was found again

	mu      sync.Mutex
	ctx     context.Context // Connect's, then the client's life
	opening []func() bool   // what ties connections to Connect's context
	last    access
}

var _ nats.CustomDialer = (*door)(nil)

// settle ends the opening: from now on only the client's life bounds the dialling.
func (d *door) settle(life context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, untie := range d.opening {
		untie()
	}
	d.ctx, d.opening = life, nil
}

// Dial connects to the address, or to wherever the server has moved.
func (d *door) Dial(network, address string) (net.Conn, error) {
	d.mu.Lock()
	ctx, opening := d.ctx, d.opening != nil
	d.mu.Unlock()
	if d.moves {
		a, err := find(ctx, d.name)
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
	conn, err := (&net.Dialer{Timeout: natsLimit}).DialContext(ctx, network, address)
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
func (d *door) moveTo(a access) (address string, err error) {
	urls, err := natsURLs(a.URL)
	if err != nil {
		return "", err
	}
	if len(urls) == 0 {
		return "", fmt.Errorf("service: the server %q names no NATS: update it", orDefault(d.name))
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
func (d *door) login() (user, password string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last.User, d.last.Password
}
