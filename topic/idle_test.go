package topic_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// mostThreads is more than a process of many sleepers has: seats, sharers, and Go's own.
const mostThreads = 64

// manyIdle is how many subscriptions wait in one process. The race detector ends a process that has
// more than 8128 goroutines.
func manyIdle() int {
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return 4_000
	}
	return 10_000
}

// threads is how many threads this process has. It includes all that it ever needed at a time: Go
// keeps them.
func threads() (int, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`(?m)^Threads:\s*(\d+)$`).FindSubmatch(status)
	if found == nil {
		return 0, fmt.Errorf("no number of threads in %q", status)
	}
	return strconv.Atoi(string(found[1]))
}

// roleServer: TOPICS; a server. -> its key; closes it when anything is received
func roleServer(c *testproc.Child) error {
	n, err := strconv.Atoi(c.Args[0])
	if err != nil {
		return err
	}
	s, err := framebuffer.NewServer(64<<20, &framebuffer.ServerOptions{Topics: n, TopicDepth: 4})
	if err != nil {
		return err
	}
	if err := c.Send(s.Key()); err != nil {
		return err
	}
	if err := c.Park(); err != nil {
		return err
	}
	return s.Close()
}

// idlers are subscriptions that wait.
type idlers struct {
	all      []*topic.Subscription
	cancel   [2]context.CancelFunc // of the even ones and of the odd ones
	received sync.WaitGroup        // a first frame each
	ended    [2]sync.WaitGroup
	mu       sync.Mutex
	ends     [2]map[string]int // by which error
}

// wait has subscription i wait for a frame, and for another that does not come.
func (d *idlers) wait(i int, ctx context.Context) {
	odd := i % 2
	d.received.Add(1)
	d.ended[odd].Go(func() {
		took := sync.OnceFunc(d.received.Done)
		defer took()
		for {
			_, err := d.all[i].Next(ctx)
			if err == nil {
				took()
				continue
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			switch {
			case errors.Is(err, context.Canceled):
				d.ends[odd]["cancelled"]++
			case errors.Is(err, framebuffer.ErrServerGone):
				d.ends[odd]["server gone"]++
			case errors.Is(err, framebuffer.ErrClosed):
				d.ends[odd]["closed"]++
			default:
				d.ends[odd][err.Error()]++
			}
			return
		}
	})
}

// roleIdle: KEY SUBSCRIPTIONS TOPICS; all wait. -> threads, when they do; -> threads, when each has
// received a frame; the even ones are cancelled -> how they ended; -> how the odd ones ended
func roleIdle(c *testproc.Child) error {
	n, err1 := strconv.Atoi(c.Args[1])
	topics, err2 := strconv.Atoi(c.Args[2])
	client, err3 := framebuffer.Attach(c.Args[0], nil)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	defer client.Close()
	d := &idlers{ends: [2]map[string]int{{}, {}}}
	var waits [2]context.Context
	for i := range waits {
		waits[i], d.cancel[i] = context.WithCancel(context.Background())
		defer d.cancel[i]()
	}
	for i := range n {
		opts := &topic.SubscribeOptions{}
		if i%1000 == 500 { // alone in it
			opts.Group = fmt.Sprint("group ", i)
		}
		sub, err := topic.Subscribe(client, fmt.Sprint("topic ", i%topics), opts)
		if err != nil {
			return err
		}
		d.all = append(d.all, sub)
	}
	for i := range n {
		d.wait(i, waits[i%2])
	}
	in := client.Segment()
	for i := range in.Control.Topics() { // each has a sleeper
		for w := in.Control.Topic(i); w.NameHash().Load() != 0 && w.Wake().Load()&1 == 0; {
			time.Sleep(time.Millisecond)
		}
	}
	tell := func() error {
		n, err := threads()
		return errors.Join(err, c.Send(n))
	}
	if err := tell(); err != nil {
		return err
	}
	d.received.Wait()
	if err := tell(); err != nil {
		return err
	}
	d.cancel[0]()
	d.ended[0].Wait()
	if err := c.Send(d.ends[0]); err != nil {
		return err
	}
	d.ended[1].Wait()
	return c.Send(d.ends[1])
}

// Waiting costs no thread each, whatever the kernel has, and each waiter is woken by its frame, its
// context and the end of its server.
func TestManyIdleSubscriptions(t *testing.T) {
	n := manyIdle()
	for name, one := range map[string]struct {
		topics  int
		refused string
		end     string
	}{
		"one topic each, the server is killed":                  {n, "", "server gone"},
		"one topic each, the server closes":                     {n, "", "closed"},
		"one topic for all, the server closes":                  {1, "", "closed"},
		"futex_waitv refused, the server is killed":             {n, "EPERM", "server gone"},
		"futex_waitv missing, few topics, the server is closed": {50, "ENOSYS", "closed"},
	} {
		t.Run(name, func(t *testing.T) {
			server := testproc.Start(t, "server", strconv.Itoa(one.topics))
			var key string
			server.Recv(&key)
			var opts []testproc.Option
			if one.refused != "" {
				opts = append(opts, testproc.Refused(one.refused, "futex_waitv"))
			}
			idle := testproc.StartWith(t, opts, "idle", key, strconv.Itoa(n), strconv.Itoa(one.topics))
			few := func(when string) {
				t.Helper()
				var threads int
				if idle.Recv(&threads); threads > mostThreads {
					t.Fatalf("%d threads %s, of %d subscriptions", threads, when, n)
				}
			}
			few("when all wait")
			client := attach(t, key)
			for i := range one.topics {
				publish(t, publisher(t, client, fmt.Sprint("topic ", i)), "wake up")
			}
			few("when each has received a frame")
			for half, want := range []string{"cancelled", one.end} {
				ends := map[string]int{}
				if half == 1 && one.end == "closed" {
					server.CloseInput()
				} else if half == 1 {
					server.Kill()
				}
				if idle.Recv(&ends); len(ends) != 1 || ends[want] != n/2 {
					t.Errorf("%d subscriptions ended so: %v; all are to be %s", n/2, ends, want)
				}
			}
			idle.Done()
		})
	}
}
