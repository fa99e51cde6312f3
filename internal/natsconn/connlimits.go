package natsconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"golang.org/x/sys/unix"
)

// A connection to the embedded NATS occupies a file descriptor of the server's process, which needs
// descriptors for its ring's clients and its rendezvous socket. Any user of this host can connect to a
// port and send nothing. So the number of connections is limited; the oldest of those that have not
// logged in are closed before the limit is reached; and a refused client tries again.
const (
	mostNATS  = 4096
	leastNATS = 16

	// One descriptor in natsShare of those that this process may have is for NATS.
	natsShare = 3

	// silentCheck is how often connections are counted.
	silentCheck = 100 * time.Millisecond

	// crowdedWait is how long a client waits at most that was refused, and crowdedLimit how long it
	// tries in all. Room is there for some milliseconds after each count, before strangers take it,
	// so waits are random: equal ones could miss it again and again.
	crowdedWait  = 50 * time.Millisecond
	crowdedLimit = 3 * DialTimeout
)

// limitConnections limits the clients of a NATS server whose file does not (max_connections).
func limitConnections(o *natsserver.Options) {
	var files unix.Rlimit
	if o.MaxConn != 0 || unix.Getrlimit(unix.RLIMIT_NOFILE, &files) != nil {
		return
	}
	o.MaxConn = int(min(max(files.Cur/natsShare, leastNATS), mostNATS))
}

// dropSilent closes connections that have not logged in while there are many, until the context ends.
func dropSilent(ctx context.Context, running func() *natsserver.Server, most int) {
	tick := time.NewTicker(silentCheck)
	defer tick.Stop()
	for most > 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		ns := running()
		if now := ns.NumClients(); now > most-most/4 {
			disconnectSilent(ns, now-most/2)
		}
	}
}

// disconnectSilent closes that many of the connections that have not logged in, the oldest first.
func disconnectSilent(ns *natsserver.Server, most int) {
	all, err := ns.Connz(&natsserver.ConnzOptions{Sort: natsserver.ByCid, Limit: 2 * mostNATS, Username: true})
	if err != nil {
		return // the server ends
	}
	for _, c := range all.Conns {
		if most == 0 {
			return
		}
		if c.AuthorizedUser == "" && c.Lang == "" && c.InMsgs == 0 && c.NumSubs == 0 {
			_ = ns.DisconnectClientByID(c.Cid) // it may have gone by itself
			most--
		}
	}
}

// Connect connects. While the NATS server has as many connections as it allows, it tries again, for
// a limited time. The end of ctx ends the wait.
func (a Access) Connect(ctx context.Context, opts ...nats.Option) (*nats.Conn, error) {
	life, began := ctx, time.Now()
	ctx, cancel := context.WithTimeout(ctx, crowdedLimit)
	defer cancel()
	for {
		nc, err := connectOnce(life, a.URL, opts)
		if err == nil || !a.crowded(err) {
			return nc, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("NATS had no room for this connection in %v: raise its max_connections, or end the programs that connect and do not log in: %w", time.Since(began).Round(time.Millisecond), err)
		case <-time.After(rand.N(crowdedWait)):
		}
	}
}

// connectOnce is nats.Connect, which knows no context: a connection that comes after the end of ctx
// is closed.
func connectOnce(ctx context.Context, url string, opts []nats.Option) (*nats.Conn, error) {
	type result struct {
		nc  *nats.Conn
		err error
	}
	done := make(chan result, 1)
	go func() {
		nc, err := nats.Connect(url, opts...)
		done <- result{nc, err}
	}()
	select {
	case r := <-done:
		return r.nc, r.err
	case <-ctx.Done():
		go func() {
			if r := <-done; r.nc != nil {
				r.nc.Close()
			}
		}()
		return nil, fmt.Errorf("the caller stopped waiting: %w", context.Cause(ctx))
	}
}

// crowded reports whether NATS refused a connection because there are too many. It says so, unless it
// closes the connection before that is read: of the embedded one an end means nothing else.
func (a Access) crowded(err error) bool {
	if strings.Contains(strings.ToLower(err.Error()), nats.MAX_CONNECTIONS_ERR) {
		return true
	}
	return a.Embedded && (errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE))
}
