package topic_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// party is one side of a round trip: it fills frames in place and looks at them in place.
type party struct {
	client *framebuffer.Client
	pub    *topic.Publisher
	sub    *topic.Subscription
	size   int
}

func newParty(key, out, in string, size int, spin time.Duration) (*party, error) {
	c, err := framebuffer.Attach(key, &framebuffer.ClientOptions{Unverified: true})
	if err != nil {
		return nil, err
	}
	p := &party{client: c, size: size}
	if p.pub, err = topic.NewPublisher(c, out); err != nil {
		return nil, err
	}
	p.sub, err = topic.Subscribe(c, in, &topic.SubscribeOptions{Spin: spin})
	return p, err
}

func (p *party) send(n byte) error {
	r, err := p.client.Reserve(p.size)
	if err != nil {
		return err
	}
	b := r.Bytes()
	b[0], b[len(b)-1] = n, n
	f, err := r.CommitUnverified(p.size)
	if err != nil {
		return err
	}
	_, err = p.pub.PublishFrame(f, nil, time.Time{})
	return err
}

func (p *party) receive() (n byte, err error) {
	m, err := p.sub.Next(context.Background())
	if err != nil {
		return 0, err
	}
	return n, p.client.View(m.Frame, func(b []byte) error {
		n = b[0] + b[len(b)-1]
		return nil
	})
}

// roleEcho: KEY SIZE SPIN; answers every ping until the topic ends.
func roleEcho(c *testproc.Child) error {
	size, err := strconv.Atoi(c.Args[1])
	if err != nil {
		return err
	}
	spin, err := time.ParseDuration(c.Args[2])
	if err != nil {
		return err
	}
	p, err := newParty(c.Args[0], "pong", "ping", size, spin)
	if err != nil {
		return err
	}
	if err := c.Send(""); err != nil {
		return err
	}
	for {
		n, err := p.receive()
		if err != nil {
			return p.client.Close() // the end
		}
		if err := p.send(n); err != nil {
			return err
		}
	}
}

// BenchmarkRoundTrip is there and back between two processes; a way takes half of it.
func BenchmarkRoundTrip(b *testing.B) {
	for _, spin := range []time.Duration{-1, 0} {
		for _, size := range []int{64, 1 << 20} {
			b.Run(map[time.Duration]string{-1: "polling", 0: "asleep"}[spin]+"/"+strconv.Itoa(size), func(b *testing.B) {
				_, c := serve(b, 64<<20, nil)
				p, err := newParty(c.Key(), "ping", "pong", size, spin)
				if err != nil {
					b.Fatal(err)
				}
				defer p.client.Close()
				echo := testproc.Start(b, "echo", c.Key(), strconv.Itoa(size), spin.String())
				var ready string
				echo.Recv(&ready)
				var ways []float64
				for b.Loop() {
					start := time.Now()
					if err := p.send(1); err != nil {
						b.Fatal(err)
					}
					if _, err := p.receive(); err != nil {
						b.Fatal(err)
					}
					ways = append(ways, float64(time.Since(start))/2)
				}
				slices.Sort(ways)
				b.ReportMetric(ways[len(ways)/2], "ns/way-median")
				if err := p.pub.End(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
