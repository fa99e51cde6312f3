package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/core-framebuffer/framebuffer/bench/internal/machine"
	"github.com/core-framebuffer/framebuffer/bench/internal/words"
)

// task is what players are told to do, as one line of JSON; those in C++ are told the
// words that say returns.
type task struct {
	Do     string // ping, futex, stream, …
	Key    string
	Ring   int // bytes that the frames of players in C go round
	Topic  string
	Size   int
	Count  int
	Window int
	Touch  string // all, ends, lines, none
	Way    string // copy or place; for players in C, how they copy
	Stores string // FRAMEBUFFER_STORES: streaming, cached, or what is learnt
	Verify bool
	Spin   time.Duration
	Think  time.Duration // before each sending, so that the other side surely sleeps

	Topics, Publishers, Subscribers int // Subscribers of each topic
}

// player is one of the processes that measure. It prepares a task, says so, begins when it
// is told, and answers with nanoseconds.
type player struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	say func(task) string
}

// sayJSON is for players in Go.
func sayJSON(t task) string {
	line, _ := json.Marshal(t) // plain data
	return string(line)
}

// startPlayer runs a command with the shared page as its file 3, and others behind it.
func startPlayer(say func(task) string, files []*os.File, command ...string) (*player, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = files
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return &player{cmd, in, bufio.NewReader(out), say}, machine.Start(cmd)
}

func (p *player) stop() error { return errors.Join(p.in.Close(), p.cmd.Wait()) }

// tell sends a line and expect reads one.
func (p *player) tell(line string) error {
	_, err := fmt.Fprintln(p.in, line)
	return err
}

func (p *player) expect() (string, error) {
	line, err := p.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%v ended: %w", p.cmd.Args, err)
	}
	return strings.TrimSpace(line), nil
}

// pair is two players of one rival.
type pair struct {
	left, right *player
	loose       bool // both use both cores
}

// startPair starts two; each is told by its last argument which it is.
func startPair(say func(task) string, files []*os.File, command ...string) (*pair, error) {
	page, err := words.Make()
	if err != nil {
		return nil, err
	}
	defer page.Close()
	files = append([]*os.File{page}, files...)
	p := &pair{}
	if p.left, err = startPlayer(say, files, append(slices.Clone(command), "left")...); err != nil {
		return nil, err
	}
	if p.right, err = startPlayer(say, files, append(slices.Clone(command), "right")...); err != nil {
		return nil, errors.Join(err, p.left.stop())
	}
	return p, nil
}

// startGo is a pair of this program's own processes.
func startGo() (*pair, error) { return startPair(sayJSON, nil, "/proc/self/exe", "play") }

func (p *pair) stop() error { return errors.Join(p.left.stop(), p.right.stop()) }

// pin keeps each side on a core of its own, so that sides that poll do not wait for each other's
// time slice, before what else runs there if this user may do that; loose ones on both.
func (p *pair) pin(cores [2]int) {
	for i, side := range []*player{p.left, p.right} {
		on := cores[i : i+1]
		if p.loose {
			on = cores[:]
		}
		for _, tid := range machine.Pin(side.cmd.Process.Pid, on...) {
			if !p.loose {
				machine.Urge(tid)
			}
		}
	}
}

// answer is what a side says of a task: nanoseconds, and frames where those are counted.
type answer struct{ ns, got, lost int64 }

// run has both sides do a task.
func (p *pair) run(t task) (left, right answer, err error) {
	all := []*player{p.left, p.right}
	for _, s := range all {
		if err := s.tell(s.say(t)); err != nil {
			return left, right, err
		}
	}
	for _, s := range all {
		if _, err := s.expect(); err != nil {
			return left, right, err
		}
	}
	for _, s := range []*player{p.right, p.left} {
		if err := s.tell("go"); err != nil {
			return left, right, err
		}
	}
	for i, a := range []*answer{&left, &right} {
		line, err := all[i].expect()
		if err != nil {
			return left, right, err
		}
		if _, err := fmt.Sscan(line, &a.ns, &a.got, &a.lost); err != nil {
			return left, right, fmt.Errorf("%q: %w", line, err)
		}
	}
	return left, right, nil
}

// play is what such a process does.
func play(side string) error {
	page, err := words.Map(3)
	if err != nil {
		return err
	}
	s := &stage{left: side != "right", page: page, topics: map[string]*ends{}}
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return s.close()
		} else if err != nil {
			return err
		}
		var t task
		if err := json.Unmarshal(line, &t); err != nil {
			return err
		}
		do, err := s.prepare(t)
		if err != nil {
			return fmt.Errorf("prepare %+v: %w", t, err)
		}
		fmt.Println("ready")
		if _, err := in.ReadBytes('\n'); err != nil {
			return err
		}
		s.meet()
		ns, err := do()
		if err != nil {
			return fmt.Errorf("%+v: %w", t, err)
		}
		fmt.Println(ns, s.got, s.lost)
	}
}

// stage is what a player keeps from task to task.
type stage struct {
	left   bool
	page   *words.Page
	topics map[string]*ends

	got, lost uint64 // by the subscriptions of the last task, where those are counted
}

// meet waits until both sides are here, awake.
func (s *stage) meet() {
	mine, theirs := &s.page.Lines[1].Word, &s.page.Lines[5].Word
	if !s.left {
		mine, theirs = theirs, mine
	}
	for n := mine.Add(1); theirs.Load() < n; {
	}
}

func (s *stage) close() error {
	var all []error
	for _, e := range s.topics {
		all = append(all, e.close())
	}
	return errors.Join(all...)
}

// prepare does what is not measured and returns what is.
func (s *stage) prepare(t task) (func() (int64, error), error) {
	switch t.Do {
	case "ping":
		return s.ping(t)
	case "stream":
		return s.stream(t)
	case "view":
		return s.view(t)
	case "fan":
		return s.fan(t)
	}
	return nil, fmt.Errorf("no task %q", t.Do)
}

// timed runs f and returns how long it took.
func timed(f func() error) (int64, error) {
	start := time.Now()
	err := f()
	return time.Since(start).Nanoseconds(), err
}
