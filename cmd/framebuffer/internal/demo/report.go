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

// The subjects of the readers that keep up, and of the one that is slow on purpose.
const (
	readerSubject = "reader.send_data"
	slowSubject   = "slow_reader.send_data"
)

// sendData is a writer's message to a reader: the descriptor of a frame, and what the demo needs to
// check the bytes without trusting a checksum.
type sendData struct {
	framebuffer.Frame
	Picture int   // which picture the bytes must be
	Sent    int64 // when the writer began, ns since 1970
}

// MarshalJSON writes the frame in a member of its own.
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

// wireData is sendData in JSON.
type wireData struct {
	Frame   framebuffer.Frame `json:"frame"`
	Picture int               `json:"picture"`
	Sent    int64             `json:"sent"`
}

// Counts count frames by their outcome.
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

// add adds the counts of another part.
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

// read is the number of frames that a reader has handled.
func (c Counts) read() int { return c.Same + c.Timeouts + c.Wrong + c.Failed }

// report is a line from a part to the demo. The first has Ready, the last Done.
type report struct {
	Ready bool      `json:"ready,omitempty"`
	Key   string    `json:"key,omitempty"` // of the ring: with Ready, from the server
	Done  bool      `json:"done,omitempty"`
	Count Counts    `json:"count"`
	Thumb thumbnail `json:"thumb,omitempty"`
}

// link is a part's connection to the demo: it sends reports on standard output, and closes done at
// the end of standard input. The demo holds the other ends, so a part also ends when the demo dies.
type link struct{ done chan struct{} }

// newLink returns the link of this process.
func newLink() *link {
	l := &link{make(chan struct{})}
	go func() {
		defer close(l.done)
		// An error ends the part as the end of the input does.
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	return l
}

// send sends a report.
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
