package main

import (
	"errors"
	"io"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// natsRival sends the payload as a NATS request; the broker runs in the writer's process,
// which spares it a hop.
func natsRival(writer bool) (err error) {
	if !writer {
		return natsReader()
	}
	ns, err := natsserver.NewServer(&natsserver.Options{
		Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, NoLog: true, NoSigs: true, MaxPayload: 32 << 20, MaxPending: 256 << 20,
	})
	if err != nil {
		return err
	}
	go ns.Start()
	if !ns.ReadyForConnections(10 * time.Second) {
		return errors.New("NATS is not ready")
	}
	defer ns.Shutdown()
	nc, err := nats.Connect(ns.ClientURL(), nats.InProcessServer(ns))
	if err != nil {
		return err
	}
	defer nc.Close()
	conn, stop, err := startReader("nats")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if _, err := conn.Write([]byte(ns.ClientURL())); err != nil {
		return err
	}
	if err := acknowledged(conn, make([]byte, 1)); err != nil { // it has subscribed
		return err
	}
	data := payload()
	return serveHarness(func(size int) error {
		_, err := nc.Request("frames", data[:size], 10*time.Second)
		return err
	})
}

func natsReader() error {
	conn, err := readersEnd()
	if err != nil {
		return err
	}
	url := make([]byte, 100)
	n, err := conn.Read(url)
	if err != nil {
		return err
	}
	nc, err := nats.Connect(string(url[:n]))
	if err != nil {
		return err
	}
	defer nc.Close()
	failed := make(chan error, 1)
	if _, err := nc.Subscribe("frames", func(m *nats.Msg) {
		if err := errors.Join(check(m.Data), m.Respond(nil)); err != nil {
			failed <- err
		}
	}); err != nil {
		return err
	}
	if err := nc.Flush(); err != nil {
		return err
	}
	if _, err := conn.Write([]byte{1}); err != nil {
		return err
	}
	go func() {
		_, err := io.Copy(io.Discard, conn)
		failed <- err
	}()
	return <-failed
}
