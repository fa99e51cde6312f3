package demo

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/core-framebuffer/framebuffer"
)

// The subjects of the two kinds of reader: those that keep up, as the seed names them, and
// the one that is slow on purpose.
const (
	readerSubject = "reader.send_data"
	slowSubject   = "slow_reader.send_data"
)

// sendData is what a writer tells a reader: the descriptor, and beside it what only this
// demo needs, to check the reader's bytes without trusting any checksum.
type sendData struct {
	framebuffer.Frame
	Picture int   // which picture the bytes must be
	Sent    int64 // when the writer began, ns since 1970
}

// MarshalJSON keeps the descriptor's own form and adds the demo's two members.
func (m sendData) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireData{m.Frame, m.Picture, m.Sent})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *sendData) UnmarshalJSON(text []byte) error {
	var w wireData
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	*m = sendData{w.Frame, w.Picture, w.Sent}
	return nil
}

type wireData struct {
	Frame   framebuffer.Frame `json:"frame"`
	Picture int               `json:"picture"`
	Sent    int64             `json:"sent"`
}

// Counts are what became of frames.
type Counts struct {
	Sent       int     `json:"sent,omitempty"`     // by a writer
	SentSlow   int     `json:"sentSlow,omitempty"` // by a writer, to the slow reader
	Unanswered int     `json:"unanswered"`         // by a writer: no reader answered
	Same       int     `json:"same"`               // by a reader: identical
	Timeouts   int     `json:"timeouts"`
	Wrong      int     `json:"wrong"` // other bytes than were written
	Failed     int     `json:"failed"`
	Failure    string  `json:"failure,omitempty"` // the first
	Latency    []int64 `json:"latency,omitempty"` // ns, writer's start to reader's verified copy; at the end only
}

func (c *Counts) add(o Counts) {
	c.Sent += o.Sent
	c.SentSlow += o.SentSlow
	c.Unanswered += o.Unanswered
	c.Same += o.Same
	c.Timeouts += o.Timeouts
	c.Wrong += o.Wrong
	c.Failed += o.Failed
	if c.Failure == "" {
		c.Failure = o.Failure
	}
	c.Latency = append(c.Latency, o.Latency...)
}

// read is how many frames a reader has dealt with.
func (c Counts) read() int { return c.Same + c.Timeouts + c.Wrong + c.Failed }

// report is one line from a part to the demo. Ready comes once, Done last.
type report struct {
	Ready bool      `json:"ready,omitempty"`
	Key   string    `json:"key,omitempty"` // with Ready, of the ring: by the server
	Done  bool      `json:"done,omitempty"`
	Count Counts    `json:"count"`
	Thumb thumbnail `json:"thumb,omitempty"`
}

// link is a part's connection to the demo: reports go out on stdout, and the end of stdin
// says finish. Since the demo holds the other ends, a part also ends when the demo dies.
type link struct{ done chan struct{} }

func newLink() *link {
	l := &link{make(chan struct{})}
	go func() {
		defer close(l.done)
		// Whatever ends the input ends the part.
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	return l
}

func (l *link) send(r report) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if _, err := os.Stdout.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// receive calls take for each report that a part sends, until it ends.
func receive(r io.Reader, take func(report)) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("report: %w", err)
		}
		var rep report
		if err := json.Unmarshal(line, &rep); err != nil {
			return fmt.Errorf("report %.100q: %w", line, err)
		}
		take(rep)
	}
}
