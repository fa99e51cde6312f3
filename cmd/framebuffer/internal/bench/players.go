package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// task is what the two processes do together.
type task struct {
	Do     string        `json:"do"` // pin, open, line, futex, ping or stream
	CPU    int           `json:"cpu,omitempty"`
	Key    string        `json:"key,omitempty"`
	Size   int           `json:"size,omitempty"`
	Count  int           `json:"count,omitempty"`
	Way    string        `json:"way,omitempty"`    // of a stream
	Asleep bool          `json:"asleep,omitempty"` // readers sleep, and each sender first waits until they do
	Alone  bool          `json:"alone,omitempty"`  // there is one CPU for both
	Limit  time.Duration `json:"limit,omitempty"`  // after which a process gives up
}

// answer is what a process says about a task.
type answer struct {
	Ns     int64  `json:"ns"`
	Stores string `json:"stores,omitempty"` // how the process stores large frames, after a stream of them
	Error  string `json:"error,omitempty"`
}

// taskLimit is how long a task may take. A turn takes a hundredth of it.
const taskLimit = 20 * time.Second

// stopLimit is how long a process may take to end before it is killed.
const stopLimit = 2 * time.Second

// players are the two processes.
type players struct{ both [2]*player }

// player is one of them. It ends when its standard input does.
type player struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out chan answer // closed when the process has ended
	end func()      // kills it
}

// startPlayers starts both processes.
func startPlayers(ctx context.Context, self []string, dir string) (*players, error) {
	shared, err := newPage()
	if err != nil {
		return nil, err
	}
	defer shared.Close()
	p := &players{}
	for i := range p.both {
		if p.both[i], err = startPlayer(ctx, self, Part{Side: i, Dir: dir}, shared); err != nil {
			return nil, errors.Join(err, p.stop())
		}
	}
	return p, nil
}

func startPlayer(ctx context.Context, self []string, part Part, shared *os.File) (*player, error) {
	text, err := json.Marshal(part)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	// A signal to this process ends the tasks first: the processes are killed only if they hang.
	kill, end := context.WithCancel(context.WithoutCancel(ctx))
	cmd := exec.CommandContext(kill, self[0], append(self[1:], string(text))...)
	cmd.Stderr, cmd.ExtraFiles = os.Stderr, []*os.File{shared}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C goes to the bench alone
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		end()
		return nil, fmt.Errorf("bench: %w", err)
	}
	if err := cmd.Start(); err != nil {
		end()
		return nil, fmt.Errorf("bench: start another process of this program: %w", err)
	}
	p := &player{cmd: cmd, in: in, out: make(chan answer, 1), end: end}
	go func() {
		defer close(p.out)
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			var a answer
			if err := json.Unmarshal(line, &a); err != nil {
				a.Error = fmt.Sprintf("%q: %v", line, err)
			}
			p.out <- a
		}
	}()
	return p, nil
}

// tell sends a line.
func (p *player) tell(v any) error {
	line, err := json.Marshal(v)
	if err == nil {
		_, err = p.in.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("bench: the other process has ended: %w", err)
	}
	return nil
}

// err returns the error that an answer says.
func (a answer) err(ok bool) error {
	switch {
	case !ok:
		return errors.New("bench: the other process has ended")
	case a.Error != "":
		return fmt.Errorf("bench: in the other process: %s", a.Error)
	}
	return nil
}

// errStuck is the error of processes that do not answer.
var errStuck = fmt.Errorf("bench: the other processes did not answer within %v; is the machine overloaded, or stopped?", taskLimit)

// run has both processes do a task, and returns how long it took the first one.
func (ps *players) run(ctx context.Context, t task) (time.Duration, error) {
	a, err := ps.runEach(ctx, t, t)
	return time.Duration(a.Ns), err
}

// runEach is run with a task for each process. It returns the first one's answer.
func (ps *players) runEach(ctx context.Context, tasks ...task) (first answer, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, taskLimit, errStuck)
	defer cancel()
	for i, p := range ps.both {
		tasks[i].Limit = taskLimit
		if err := p.tell(tasks[i]); err != nil {
			return first, err
		}
	}
	for range ps.both { // the first answer may be an error, without which the other process waits
		var err error
		select {
		case a, ok := <-ps.both[0].out:
			first, err = a, a.err(ok)
		case a, ok := <-ps.both[1].out:
			err = a.err(ok)
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		if err != nil {
			return first, err
		}
	}
	return first, nil
}

// stop ends both processes, also in the middle of a task, and waits for them.
func (ps *players) stop() error {
	for _, p := range ps.both {
		if p != nil {
			_ = p.in.Close() // a process that has ended already does not care
		}
	}
	var errs []error
	for _, p := range ps.both {
		if p == nil {
			continue
		}
		timer := time.AfterFunc(stopLimit, p.end)
		for range p.out { // until the process has closed its output
		}
		if err := p.cmd.Wait(); err != nil {
			errs = append(errs, fmt.Errorf("bench: the other process: %w", err))
		}
		timer.Stop()
		p.end()
	}
	return errors.Join(errs...)
}
