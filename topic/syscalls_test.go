package topic_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// roleQuiet: KEY ROUNDS; publishes and receives on one thread, asking the kernel for its
// parent before and after, so that who traces it sees where that begins and ends.
func roleQuiet(c *testproc.Child) error {
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	client, err := framebuffer.Attach(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer client.Close()
	pub, err := topic.NewPublisher(client, "x")
	if err != nil {
		return err
	}
	sub, err := topic.Subscribe(client, "x", nil)
	if err != nil {
		return err
	}
	defer sub.Close()
	var rounds int
	if _, err := fmt.Sscan(c.Args[1], &rounds); err != nil {
		return err
	}
	data, ctx := make([]byte, 1000), context.Background()
	one := func() error {
		if _, err := pub.Publish(data, nil); err != nil {
			return err
		}
		m, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		return client.View(m.Frame, func([]byte) error { return nil })
	}
	if err := client.View(framebuffer.Frame{}, nil); err == nil { // makes what errors need
		return fmt.Errorf("a view of nothing")
	}
	for range 3000 { // once round the ring, which makes its pages present here
		if err := one(); err != nil {
			return err
		}
	}
	unix.Getppid()
	for range rounds {
		if err := one(); err != nil {
			return err
		}
	}
	unix.Getppid()
	return c.Send(rounds)
}

// notOurs is the end of the mark, where another thread came between, and what Go's scheduler
// does at any time: its signals, and its own futexes, which are private to the process, as
// ours never are.
var notOurs = regexp.MustCompile(`getppid resumed|SIGURG|rt_sig|FUTEX_[A-Z]+_PRIVATE|futex resumed|sched_yield|nanosleep|tgkill|getpid\(`)

// While nobody sleeps, publishing, receiving and viewing make no system call: the kernel
// itself is asked what the thread that does so called.
func TestNoSystemCalls(t *testing.T) {
	s, sleeper := serve(t, 1<<20, nil)
	traced := func(rounds string) (calls []string) {
		file := filepath.Join(t.TempDir(), "trace")
		p := testproc.StartWith(t, []testproc.Option{testproc.Under("strace", "-f", "-qq", "-o", file)}, "quiet", s.Key(), rounds)
		p.Recv(new(int))
		if err := p.Wait(); err != nil {
			t.Fatalf("strace: %v", err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parts := regexp.MustCompile(`(?m)^(\d+) +getppid\(.*\n`).FindAllStringSubmatchIndex(string(text), -1)
		if len(parts) != 2 {
			t.Fatalf("%d marks in the trace", len(parts))
		}
		thread := string(text[parts[0][2]:parts[0][3]])
		for line := range strings.Lines(string(text[parts[0][1]:parts[1][0]])) {
			if who, what, _ := strings.Cut(line, " "); who == thread && !notOurs.MatchString(what) {
				calls = append(calls, strings.TrimSpace(what))
			}
		}
		return calls
	}
	if calls := traced("20000"); len(calls) > 0 {
		t.Errorf("%d system calls in 20000 rounds, such as %s", len(calls), calls[0])
	}
	// The same with one who sleeps shows that the test can fail.
	sub := subscribe(t, sleeper, "x", nil)
	ctx, cancel := context.WithCancel(t.Context())
	asleep := make(chan error, 1)
	go func() {
		for {
			if _, err := sub.Next(ctx); err != nil {
				asleep <- err
				return
			}
		}
	}()
	// Some milliseconds in which it may not get a processor at all, hence several of them.
	woken := false
	for try := 0; try < 50 && !woken; try++ {
		woken = strings.Contains(strings.Join(traced("20000"), "\n"), "FUTEX_WAKE")
	}
	if !woken {
		t.Error("nobody was ever woken")
	}
	cancel()
	<-asleep
}
