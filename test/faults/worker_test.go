//go:build failpoints

package faults

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// tally is what a worker has done so far.
type tally struct {
	Rounds   uint64 // of its loop, whatever came of them
	Good     uint64 // of those: went well; readers have compared every byte
	Timeouts uint64
	Errors   uint64 // others, that it may get
	Wrong    uint64 // frames that were read and are altered
	Spoilt   uint64 // frames that were overwritten while they were viewed in place
	How      string // and how the first of those was spoilt
	Note     string // the first error that it may not get
}

func (t *tally) add(o tally) {
	t.Rounds += o.Rounds
	t.Good += o.Good
	t.Timeouts += o.Timeouts
	t.Errors += o.Errors
	t.Wrong += o.Wrong
	t.Spoilt += o.Spoilt
	if t.How == "" {
		t.How = o.How
	}
	if t.Note == "" {
		t.Note = o.Note
	}
}

// worker does one kind of work without end.
type worker struct {
	key     string
	hostile bool // there is a peer that writes nonsense
	client  *framebuffer.Client

	mu sync.Mutex
	tally
}

// kinds are the works there are. Each is done once over by a call.
var kinds = map[string]func(w *worker) (again func() error, err error){
	"writer":     (*worker).write,
	"publisher":  (*worker).publish,
	"subscriber": func(w *worker) (func() error, error) { return w.read("") },
	"member":     func(w *worker) (func() error, error) { return w.read("g") },
	"holder":     (*worker).hold,
	"visitor":    (*worker).visit,
}

// roleWork: KEY KIND hostile|peaceful -> "" when at work; then a tally for every message.
func roleWork(c *testproc.Child) error {
	w := &worker{key: c.Args[0], hostile: c.Args[2] == "hostile"}
	// A worker with traps may stop in the middle of attaching; its parent must not wait for
	// its first word.
	if err := c.Send(""); err != nil {
		return err
	}
	var err error
	if w.client, err = framebuffer.Attach(w.key, nil); err != nil {
		if w.hostile {
			return nil
		}
		return err
	}
	again, err := kinds[c.Args[1]](w)
	if err != nil && !w.hostile {
		return err
	}
	if err != nil {
		return w.client.Close()
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				w.count(again())
				if rand.IntN(4) == 0 {
					time.Sleep(100 * time.Microsecond) // there are more workers than processors
				}
			}
		}
	}()
	var word string
	for err = c.Recv(&word); err == nil; err = c.Recv(&word) {
		w.mu.Lock()
		now := w.tally
		w.mu.Unlock()
		if err := c.Send(now); err != nil {
			break
		}
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	close(stop)
	<-done
	return w.client.Close()
}

// count adds what came of one round.
func (w *worker) count(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Rounds++
	switch {
	case err == nil:
		w.Good++
	case errors.Is(err, errWrong):
		w.Wrong++
	case errors.Is(err, errSpoilt):
		if w.Spoilt++; w.How == "" {
			w.How = err.Error()
		}
	case errors.Is(err, framebuffer.ErrTimeout):
		w.Timeouts++
	case errors.Is(err, framebuffer.ErrHoldLimit), errors.Is(err, framebuffer.ErrClosed), errors.Is(err, context.DeadlineExceeded), w.hostile:
		w.Errors++
	case w.Note == "":
		w.Note = err.Error()
	}
}
