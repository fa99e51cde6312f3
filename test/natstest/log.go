package natstest

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
	natsserver "github.com/nats-io/nats-server/v2/server"
)

// RoleNATS is a NATS with JetStream that can be killed: directory, port.
func RoleNATS(c *testproc.Child) error {
	port, err := strconv.Atoi(c.Args[1])
	if err != nil {
		return err
	}
	ns, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: port, NoLog: true, NoSigs: true, JetStream: true, StoreDir: c.Args[0]})
	if err != nil {
		return err
	}
	go ns.Start()
	if !ns.ReadyForConnections(Limit) {
		return errors.New("NATS is not ready")
	}
	if err := c.Send(ns.ClientURL()); err != nil {
		return err
	}
	return c.Park()
}

// StartNATSProcess starts roleNATS.
func StartNATSProcess(t testing.TB, dir string, port int) (nats *testproc.Proc, url string) {
	t.Helper()
	nats = testproc.Start(t, "nats", dir, strconv.Itoa(port))
	nats.Recv(&url)
	return nats, url
}

// Log is a log that may be written to and read concurrently.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write adds to the log.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns all that was logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Count returns how often a text was logged.
func (l *Log) Count(what string) int { return strings.Count(l.String(), what) }
