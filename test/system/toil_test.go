package system_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// toils are what a client can be at when the memory goes away. Each returns the error that it
// ends with.
var toils = map[string]func(*framebuffer.Client) error{
	"write and read": func(c *framebuffer.Client) error {
		data := ringtest.Bytes(1, 300_000)
		for {
			f, err := c.Put(data)
			if err == nil {
				_, err = c.Get(f)
			}
			if err != nil && !errors.Is(err, framebuffer.ErrTimeout) {
				return err
			}
		}
	},
	"view": func(c *framebuffer.Client) error {
		for {
			f, err := c.Put(ringtest.Bytes(2, 100_000))
			if err == nil {
				err = c.View(f, func(b []byte) error {
					n := 0
					for range 100 {
						for _, x := range b {
							n += int(x)
						}
					}
					return nil
				})
			}
			if err != nil && !errors.Is(err, framebuffer.ErrTimeout) {
				return err
			}
		}
	},
	"reserve": func(c *framebuffer.Client) error {
		for {
			r, err := c.Reserve(200_000)
			if err == nil {
				for range 50 {
					for i := range r.Bytes() {
						r.Bytes()[i]++
					}
				}
				_, err = r.Commit(200_000)
			}
			if err != nil && !errors.Is(err, framebuffer.ErrTimeout) {
				return err
			}
		}
	},
	"hold": func(c *framebuffer.Client) error {
		for {
			f, err := c.Put(ringtest.Bytes(3, 4000))
			if err == nil {
				var h *framebuffer.Hold
				if h, err = c.Hold(f, time.Second); err == nil {
					done := make(chan int)
					go func() { // not a goroutine that the library knows of
						n := 0
						for range 1000 {
							for _, x := range h.Bytes() {
								n += int(x)
							}
						}
						done <- n
					}()
					<-done
					err = h.Release()
				}
			}
			if err != nil && !errors.Is(err, framebuffer.ErrTimeout) {
				return err
			}
		}
	},
	"publish": func(c *framebuffer.Client) error {
		p, err := topic.NewPublisher(c, "toil")
		for err == nil || errors.Is(err, framebuffer.ErrTimeout) {
			_, err = p.Publish([]byte("x"), nil)
		}
		return err
	},
	"poll a topic": func(c *framebuffer.Client) error {
		s, err := topic.Subscribe(c, "toil", &topic.SubscribeOptions{Spin: -1})
		for err == nil {
			_, err = s.Next(context.Background())
		}
		return err
	},
	"sleep for a topic": func(c *framebuffer.Client) error {
		s, err := topic.Subscribe(c, "nothing comes here", nil)
		for err == nil {
			_, err = s.Next(context.Background())
		}
		return err
	},
}

// roleToil: KEY; toils in all ways, says "busy", and then how each ended.
func roleToil(c *testproc.Child) error {
	client, err := framebuffer.Attach(c.Args[0], nil)
	if err != nil {
		return err
	}
	ends := make(chan string)
	for name, toil := range toils {
		go func() {
			err := toil(client)
			if errors.Is(err, framebuffer.ErrCorrupt) {
				ends <- ""
				return
			}
			ends <- fmt.Sprintf("%s: %v", name, err)
		}()
	}
	before := client.Stats().Total.Reads
	for client.Stats().Total.Reads < before+20 { // all of them are at it
		time.Sleep(time.Millisecond)
	}
	if err := c.Send("busy"); err != nil {
		return err
	}
	var wrong []string
	for range toils {
		if end := <-ends; end != "" {
			wrong = append(wrong, end)
		}
	}
	if _, err := client.Allocate(1); !errors.Is(err, framebuffer.ErrCorrupt) {
		wrong = append(wrong, fmt.Sprintf("afterwards: %v", err))
	}
	if st := client.Stats(); st.Capacity != 0 || st.Total.Reads != 0 {
		wrong = append(wrong, fmt.Sprintf("afterwards: %+v", st))
	}
	if err := client.Close(); err != nil {
		wrong = append(wrong, err.Error())
	}
	if _, err := client.Allocate(1); !errors.Is(err, framebuffer.ErrClosed) {
		wrong = append(wrong, fmt.Sprintf("after Close: %v", err))
	}
	return c.Send(strings.Join(wrong, "\n"))
}
