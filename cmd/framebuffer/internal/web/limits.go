package web

import (
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A connection takes a descriptor of this process, and a server needs descriptors for its clients. So the
// number of connections is limited. A connection beyond the limit closes an older one: of the user, or the
// address, with the most connections, the one that has been silent longest. So a peer with hundreds of silent
// connections does not keep other users out.
const (
	mostConns  = 256
	leastConns = 8

	// connShare of the descriptors that this process may have are for HTTP.
	connShare = 8
)

// connLimit returns how many connections there may be at a time.
func connLimit() int {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return leastConns
	}
	return int(min(max(files.Cur/connShare, leastConns), mostConns))
}

// crowd is a listener that has a limited number of open connections.
type crowd struct {
	net.Listener
	most   int
	owners func([]*guest) []string // of connections, as far as they can be told apart

	mu     sync.Mutex
	guests map[*guest]struct{}
}

// guest is a connection.
type guest struct {
	net.Conn
	crowd *crowd
	heard atomic.Int64 // when a byte last went either way; ns since 1970
}

func newCrowd(l net.Listener, most int) *crowd {
	return &crowd{Listener: l, most: most, owners: ownersOf, guests: make(map[*guest]struct{})}
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	g := &guest{Conn: conn, crowd: c}
	g.moved(1)
	c.mu.Lock()
	c.guests[g] = struct{}{}
	over := len(c.guests) > c.most
	c.mu.Unlock()
	if over {
		c.showOut(g)
	}
	return g, nil
}

// showOut closes the connection that has been silent longest, of the owner with the most connections. It spares
// the newest one.
func (c *crowd) showOut(newest *guest) {
	c.mu.Lock()
	all := make([]*guest, 0, len(c.guests))
	for g := range c.guests {
		all = append(all, g)
	}
	c.mu.Unlock()
	owners, each := c.owners(all), map[string]int{}
	for _, owner := range owners {
		each[owner]++
	}
	var out *guest
	most := 0
	for i, g := range all {
		n := each[owners[i]]
		if g != newest && (out == nil || n > most || n == most && g.heard.Load() < out.heard.Load()) {
			out, most = g, n
		}
	}
	if out != nil {
		_ = out.Close() // its handler finds that out
	}
}

func (g *guest) moved(n int) {
	if n > 0 {
		g.heard.Store(time.Now().UnixNano())
	}
}

// Read implements net.Conn.
func (g *guest) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	g.moved(n)
	return n, err
}

// Write implements net.Conn.
func (g *guest) Write(b []byte) (int, error) {
	n, err := g.Conn.Write(b)
	g.moved(n)
	return n, err
}

// Close implements net.Conn.
func (g *guest) Close() error {
	g.crowd.mu.Lock()
	delete(g.crowd.guests, g)
	g.crowd.mu.Unlock()
	return g.Conn.Close()
}

// ownersOf returns the owner of each connection: for one within this machine its user, else its address; of
// an IPv6 address the network.
func ownersOf(all []*guest) []string {
	var users map[string]string
	owners := make([]string, len(all))
	for i, g := range all {
		from, isFrom := g.RemoteAddr().(*net.TCPAddr)
		to, isTo := g.LocalAddr().(*net.TCPAddr)
		switch {
		case !isFrom || !isTo:
		case from.IP.IsLoopback() || from.IP.Equal(to.IP):
			if users == nil {
				users = connUsers()
			}
			owners[i] = users[pairOf(from, to)]
		case from.IP.To4() != nil:
			owners[i] = from.IP.String()
		default:
			owners[i] = from.IP.Mask(net.CIDRMask(64, 128)).String()
		}
	}
	return slices.Clip(owners)
}
