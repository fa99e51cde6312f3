package record

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/topic"
)

// A recording is a stream of JetStream. A frame is as many messages as it takes, one behind the
// other: parts, and at last the one that says what the frame is, on a subject of its own, with
// the frame's last bytes. Without that, or with anything missing before it, there is no frame.

const (
	// recordingStream and recordingSubject stand before the recording's name, as spelled has it. The subjects do
	// not lie below framebuffer.>, which readers may publish to: a user that may publish here can add to a recording.
	recordingStream  = "FRAMES_"
	recordingSubject = wire.Service + "-recording."

	// earlierSubject stood there in recordings of the format 1.
	earlierSubject = wire.Service + ".recording."

	// headerPart says of each message whose part it is: run, ordinal and index. A run is one
	// recorder from its start to its end, ordinals are those of the frames that it stored,
	// without gaps, and indexes those of the frame's messages; all from 0 up.
	headerPart = "Framebuffer-Part"
)

// checkRecording returns topic.ErrBadName for what a recording cannot be called: what a topic cannot be.
func checkRecording(name string) error {
	if err := topic.CheckName(name); err != nil {
		return fmt.Errorf("%w: a recording's name is as a topic's", err)
	}
	return nil
}

// spelled is a recording's name as a stream and a subject can have it: letters, digits, hyphens and underscores of
// ASCII as they are, and every other byte as a percent sign and two capital hexadecimal digits. So each
// name has one spelling, and no two names have the same.
func spelled(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// readName is the name that is spelled like that, if there is one.
func readName(spelling string) (name string, ok bool) {
	name, err := url.PathUnescape(spelling)
	return name, err == nil && spelled(name) == spelling && checkRecording(name) == nil
}

// streamName is the name of a recording's stream.
func streamName(recording string) string { return recordingStream + spelled(recording) }

func partSubject(recording string) string { return recordingSubject + spelled(recording) + partEnd }

// frameSubject is that of the message which makes a frame of what came before.
func frameSubject(recording string) string { return recordingSubject + spelled(recording) + frameEnd }

// recordingSubjects are those of a recording's stream.
func recordingSubjects(recording string) []string {
	return []string{partSubject(recording), frameSubject(recording)}
}

const (
	partEnd  = ".part"
	frameEnd = ".frame"
)

// partOf is headerPart's content.
type partOf struct {
	run     string
	ordinal uint64
	index   int
}

func (p partOf) String() string { return fmt.Sprintf("%s %d %d", p.run, p.ordinal, p.index) }

// maxParts bounds what is believed of a header.
const maxParts = 1 << 30

// readPart reads a message's headerPart, and reports whether it is one.
func readPart(h nats.Header) (p partOf, ok bool) {
	run, rest, _ := strings.Cut(h.Get(headerPart), " ")
	ordinal, index, _ := strings.Cut(rest, " ")
	n, err1 := strconv.ParseUint(ordinal, 10, 62)
	i, err2 := strconv.ParseUint(index, 10, 62)
	if run == "" || err1 != nil || err2 != nil || i >= maxParts {
		return p, false
	}
	return partOf{run: run, ordinal: n, index: int(i)}, true
}

// maxJump is how far the numbers of two frames of a run, one behind the other, may lie apart: what a
// thousand days of 50,000 frames a second are.
const maxJump = 1 << 42

// recordedFrame is what headerFrame says in a recording, as JSON.
type recordedFrame struct {
	Parts    int                  `json:"parts"` // messages, this one included
	Sequence uint64               `json:"sequence"`
	Time     int64                `json:"time"`  // the frame's, in ns since 1970
	Since    int64                `json:"since"` // the run began until it was recorded, in ns
	Size     int                  `json:"size"`
	Checksum framebuffer.Checksum `json:"checksum"`
	Meta     topic.Meta           `json:"meta"`
}

// readFrame reads a message's headerFrame, and reports whether it is one.
func readFrame(h nats.Header) (f recordedFrame, ok bool) {
	err := json.Unmarshal([]byte(h.Get(wire.HeaderFrame)), &f)
	return f, err == nil && f.Size > 0 && f.Parts > 0 && f.Parts <= maxParts && f.Sequence <= 1<<62
}
