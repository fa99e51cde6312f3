package service

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
)

// readyLimit is how long the embedded NATS may take to accept connections.
const readyLimit = 10 * time.Second

// startEmbedded runs a NATS server for this host's own use: loopback only, a port of the
// system's choice, and a password that nobody knows who was not told.
func startEmbedded() (*natsserver.Server, access, error) {
	a := access{User: "framebuffer", Password: newSecret(), Embedded: true}
	ns, err := natsserver.NewServer(&natsserver.Options{
		ServerName: "framebuffer-" + newSecret()[:8],
		Host:       "127.0.0.1",
		Port:       natsserver.RANDOM_PORT,
		Username:   a.User,
		Password:   a.Password,
		NoLog:      true,
		NoSigs:     true, // signals are the program's business
	})
	if err != nil {
		return nil, a, fmt.Errorf("service: embedded NATS: %w", err)
	}
	go ns.Start()
	if !ns.ReadyForConnections(readyLimit) {
		ns.Shutdown()
		return nil, a, fmt.Errorf("service: embedded NATS did not listen on 127.0.0.1 within %v: is loopback up?", readyLimit)
	}
	a.URL = ns.ClientURL()
	return ns, a, nil
}

// newSecret is 256 random bits in hex.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
