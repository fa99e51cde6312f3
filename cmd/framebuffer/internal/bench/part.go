package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Part is the task of one of the two other processes.
type Part struct {
	Side int    `json:"side"` // 0 sends first
	Dir  string `json:"dir"`  // removed at the end: the bench may have been killed
}

// pageFile is the file descriptor of the shared page.
const pageFile = 3

// stage is what such a process keeps from task to task.
type stage struct {
	side  int
	page  *page
	alone bool
	limit time.Time // of the task
	ends  map[string]*ends

	stores string             // of the last stream's client
	frames map[int]*[2][]byte // a frame to send and one to receive, by size
}

// buffers returns a frame to send and one to receive, whose pages are present.
func (s *stage) buffers(n int) (src, dst []byte) {
	if s.frames[n] == nil { // kept: the garbage collector would work while the next task is measured
		s.frames[n] = &[2][]byte{filled(n), filled(n)}
	}
	clear(s.frames[n][1])
	return s.frames[n][0], s.frames[n][1]
}

// RunPart does tasks until standard input ends, which it does with the bench, however that ends.
func RunPart(p Part) error {
	shared, err := mapPage(pageFile)
	if err != nil {
		return err
	}
	s := &stage{side: p.Side & 1, page: shared, ends: map[string]*ends{}, frames: map[int]*[2][]byte{}}
	tasks := make(chan []byte)
	go func() {
		in := bufio.NewReader(os.Stdin)
		for {
			text, err := in.ReadBytes('\n')
			if err != nil {
				if p.Dir != "" {
					_ = os.RemoveAll(p.Dir)
				}
				os.Exit(0) // also in the middle of a task; the kernel detaches from the rings
			}
			tasks <- text
		}
	}()
	out := json.NewEncoder(os.Stdout)
	for text := range tasks {
		var a answer
		took, err := s.do(text)
		a.Stores, s.stores = s.stores, ""
		if a.Ns = took.Nanoseconds(); err != nil {
			a.Error = err.Error()
		}
		if err := out.Encode(a); err != nil {
			return fmt.Errorf("bench: %w", err)
		}
	}
	return nil
}

// do does one task.
func (s *stage) do(text []byte) (time.Duration, error) {
	var t task
	if err := json.Unmarshal(text, &t); err != nil {
		return 0, fmt.Errorf("task %q: %w", text, err)
	}
	s.alone, s.limit = t.Alone, time.Now().Add(t.Limit)
	// A task that hangs ends this process, and the bench reports that.
	defer time.AfterFunc(t.Limit, func() { os.Exit(1) }).Stop()
	switch t.Do {
	case "pin":
		return 0, pin(t.CPU)
	case "open":
		_, err := s.open(t)
		return 0, err
	case "line":
		return s.line(t)
	case "futex":
		return s.futex(t)
	case "ping":
		return s.ping(t)
	case "stream":
		return s.stream(t)
	}
	return 0, fmt.Errorf("no task %q", t.Do)
}

// pin keeps all threads of this process on one CPU. Where that is refused, the scheduler chooses.
func pin(on int) error {
	var set unix.CPUSet
	set.Set(on)
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil //nolint:nilerr // without /proc nothing is pinned
	}
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			_ = unix.SchedSetaffinity(tid, &set) // new threads inherit it
		}
	}
	return nil
}

// errLate is the error of a task whose other process does not come.
var errLate = errors.New("the other process did not answer in time")

// until polls until ok. It gives way to the other process where both share a CPU.
func (s *stage) until(ok func() bool) error {
	for n := 1; ; n++ {
		if ok() {
			return nil
		}
		if s.alone {
			_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		}
		if n%(1<<16) == 0 {
			runtime.Gosched()
			if time.Now().After(s.limit) {
				return errLate
			}
		}
	}
}

// meet waits until both processes are here, awake.
func (s *stage) meet() error {
	mine, theirs := &s.page.met[s.side].word, &s.page.met[1-s.side].word
	n := mine.Add(1)
	return s.until(func() bool { return theirs.Load() >= n })
}

// ends are the two directions of a pair of topics, as one process has them.
type ends struct {
	client *framebuffer.Client
	pub    *topic.Publisher
	sub    *topic.Subscription
}

// open attaches to a ring, publishes to one topic and subscribes to the other.
func (s *stage) open(t task) (*ends, error) {
	unverified := t.Way != "" && t.Way != wayCopy && t.Way != wayPlace
	id := fmt.Sprintf("%s %v %v", t.Key, unverified, t.Asleep)
	if e := s.ends[id]; e != nil {
		return e, nil
	}
	e := &ends{}
	var err error
	if e.client, err = framebuffer.Attach(t.Key, &framebuffer.ClientOptions{Name: clientName, Unverified: unverified}); err != nil {
		return nil, err
	}
	if err := lap(e.client); err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%v %v ", unverified, t.Asleep)
	if e.pub, err = topic.NewPublisher(e.client, name+strconv.Itoa(s.side)); err != nil {
		return nil, err
	}
	spin := -time.Nanosecond // for ever
	if t.Asleep {
		spin = 0
	}
	if e.sub, err = topic.Subscribe(e.client, name+strconv.Itoa(1-s.side), &topic.SubscribeOptions{Spin: spin}); err != nil {
		return nil, err
	}
	s.ends[id] = e
	return e, nil
}
