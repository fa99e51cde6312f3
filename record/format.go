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

// A recording is a JetStream stream. A frame is stored as one or more consecutive messages: parts,
// and then a final message with the frame's description and its last bytes, on a subject of its
// own. If the final message or any part is missing, there is no frame.

const (
	// recordingStream and recordingSubject are prefixes of the recording's name, spelled as by
	// [spelled]. The subjects are not below framebuffer.>, to which readers may publish: a user
	// with permission to publish to a recording's subjects can add to the recording.
	recordingStream  = "FRAMES_"
	recordingSubject = wire.Service + "-recording."

	// earlierSubject is the prefix of the subjects in recordings of format 1.
	earlierSubject = wire.Service + ".recording."

	// headerPart names the place of each message: run, ordinal and index. A run is one recorder
	// from its start to its end, the ordinal counts the frames that it stored, without gaps, and
	// the index counts the messages of the frame; both counts start at 0.
	headerPart = "Framebuffer-Part"
)

// checkRecording returns [topic.ErrBadName] unless name is valid for a recording. The rules are
// those of topic names.
func checkRecording(name string) error {
	if err := topic.CheckName(name); err != nil {
		return fmt.Errorf("%w: a recording's name is as a topic's", err)
	}
	return nil
}

// spelled encodes a recording's name for the names of streams and subjects: ASCII letters, digits,
// hyphens and underscores stay, and every other byte becomes a percent sign and two capital
// hexadecimal digits. Each name has one spelling, and no two names share one.
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

// readName decodes what [spelled] returned. It reports whether the spelling is that of a valid
// name.
func readName(spelling string) (name string, ok bool) {
	name, err := url.PathUnescape(spelling)
	return name, err == nil && spelled(name) == spelling && checkRecording(name) == nil
}

// streamName returns the name of a recording's stream.
func streamName(recording string) string { return recordingStream + spelled(recording) }

// partSubject returns the subject of a frame's messages other than the final one.
func partSubject(recording string) string { return recordingSubject + spelled(recording) + partEnd }

// frameSubject returns the subject of a frame's final message.
func frameSubject(recording string) string { return recordingSubject + spelled(recording) + frameEnd }

// recordingSubjects returns the subjects of a recording's stream.
func recordingSubjects(recording string) []string {
	return []string{partSubject(recording), frameSubject(recording)}
}

const (
	partEnd  = ".part"
	frameEnd = ".frame"
)

// partOf is the content of headerPart.
type partOf struct {
	run     string
	ordinal uint64
	index   int
}

func (p partOf) String() string { return fmt.Sprintf("%s %d %d", p.run, p.ordinal, p.index) }

// maxParts is the limit for indexes and numbers of parts that are accepted from a header.
const maxParts = 1 << 30

// readPart parses a message's headerPart, and reports whether it is valid.
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

// maxJump is how far the sequence numbers of two consecutive frames of a run may be apart: a
// thousand days at 50,000 frames a second.
const maxJump = 1 << 42

// recordedFrame is the content of [wire.HeaderFrame] in a recording, as JSON.
type recordedFrame struct {
	Parts    int                  `json:"parts"` // messages of the frame, the final one included
	Sequence uint64               `json:"sequence"`
	Time     int64                `json:"time"`  // of the frame, in ns since 1970
	Since    int64                `json:"since"` // from the run's start to this frame, in ns
	Size     int                  `json:"size"`
	Checksum framebuffer.Checksum `json:"checksum"`
	Meta     topic.Meta           `json:"meta"`
}

// readFrame parses a message's [wire.HeaderFrame], and reports whether it is valid.
func readFrame(h nats.Header) (f recordedFrame, ok bool) {
	err := json.Unmarshal([]byte(h.Get(wire.HeaderFrame)), &f)
	return f, err == nil && f.Size > 0 && f.Parts > 0 && f.Parts <= maxParts && f.Sequence <= 1<<62
}
