package natstest

import (
	"context"
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Order is what an owner is told to do.
type Order struct {
	Put, Allocate int
	Reserve       int // for what is put, which may be less
	Seed          uint64
	Topic         string // publish Count frames to it, of Put bytes at most
	Count         int
	End           bool // of the topic
}

// SizeOf is the size of the frame with that seed in a topic, up to most.
func SizeOf(seed uint64, most int) int { return 1 + int(seed*2654435761%uint64(most)) }

// Publish puts frames into a topic, whose seeds are their numbers and begin with Seed.
func (o Order) Publish(client *framebuffer.Client) error {
	pub, err := topic.NewPublisher(client, o.Topic)
	if err != nil {
		return err
	}
	for i := range uint64(o.Count) {
		seed := o.Seed + i
		meta := &topic.Meta{ContentType: "test", Width: int(seed), User: []byte(strconv.FormatUint(seed, 10))}
		if seed%3 == 0 {
			meta = nil
		}
		f, err := client.Put(Content(seed, SizeOf(seed, o.Put)))
		if err != nil {
			return err
		}
		if _, err := pub.PublishFrame(f, meta, time.Unix(int64(seed), 1)); err != nil {
			return err
		}
	}
	if o.End {
		return pub.End()
	}
	return nil
}

// commit puts a frame into a reservation.
func (o Order) commit(client *framebuffer.Client) (framebuffer.Frame, error) {
	r, err := client.Reserve(o.Reserve)
	if err == nil {
		_, err = r.Write(Content(o.Seed, o.Put))
	}
	if err != nil {
		return framebuffer.Frame{}, err
	}
	return r.Commit(o.Put)
}

// Content is what a frame of that seed and size has in it.
func Content(seed uint64, size int) []byte {
	b := make([]byte, size)
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	_, _ = rand.NewChaCha8(key).Read(b) // never fails
	return b
}

// RoleOwner has a ring and does as it is told: name, URL, size of the ring, host, file of the key
// to sign with or "", and prefixes of askers' inboxes.
func RoleOwner(c *testproc.Child) error {
	size, err := strconv.ParseInt(c.Args[2], 10, 64)
	if err != nil {
		return err
	}
	server, err := framebuffer.NewServer(size, &framebuffer.ServerOptions{Backend: "sysv"}) // whose IPC namespace is another host
	if err != nil {
		return err
	}
	defer server.Close()
	svc, err := service.Serve(context.Background(), server, &service.ServeOptions{Name: c.Args[0], URL: c.Args[1], Host: c.Args[3], SigningKey: c.Args[4], AskerInboxes: c.Args[5:]})
	if err != nil {
		return err
	}
	defer svc.Close()
	client, err := framebuffer.Attach(server.Key(), nil)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := c.Send(server.Key()); err != nil {
		return err
	}
	for {
		var o Order
		if err := c.Recv(&o); err != nil {
			return nil // the end of input is what was waited for
		}
		var f framebuffer.Frame
		switch {
		case o.Topic != "":
			err = o.Publish(client)
		case o.Allocate > 0:
			f.Offset, err = client.Allocate(o.Allocate)
		case o.Reserve > 0:
			f, err = o.commit(client)
		default:
			f, err = client.Put(Content(o.Seed, o.Put))
		}
		if err == nil {
			err = c.Send(f)
		}
		if err != nil {
			return err
		}
	}
}

// Owner is a server whose memory is out of reach, as that of another host is.
type Owner struct {
	*testproc.Proc
	key string
}

// StartOwner starts an owner on the host "owner", which signs nothing.
func StartOwner(t testing.TB, url string, ring int, inboxes ...string) *Owner {
	t.Helper()
	return StartOwnerAt(t, "owner", url, ring, "", inboxes...)
}

// StartOwnerAt starts one on a host of that name, which signs if there is a path for its key.
func StartOwnerAt(t testing.TB, host, url string, ring int, key string, inboxes ...string) *Owner {
	t.Helper()
	testproc.NeedRoot(t)
	args := append([]string{Unique(t), url, strconv.Itoa(ring), host, key}, inboxes...)
	o := &Owner{Proc: testproc.StartWith(t, []testproc.Option{testproc.Namespaces(syscall.CLONE_NEWIPC)}, "owner", args...)}
	o.Recv(&o.key)
	return o
}

// Do has the owner carry out an order, and returns the frame that it wrote.
func (o *Owner) Do(what Order) (f framebuffer.Frame) {
	o.Send(what)
	o.Recv(&f)
	return f
}
