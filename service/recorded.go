package service

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// A recording is a stream of JetStream. A frame is as many messages as it takes, one behind the
// other: parts, and at last the one that says what the frame is, on a subject of its own, with
// the frame's last bytes. Without that, or with anything missing before it, there is no frame.

const (
	// recordingStream and recordingSubject stand before the recording's name.
	recordingStream  = "FRAMES_"
	recordingSubject = serviceName + ".recording."

	// headerPart says of each message whose part it is: run, ordinal and index. A run is one
	// recorder from its start to its end, ordinals are those of the frames that it stored,
	// without gaps, and indexes those of the frame's messages; all from 0 up.
	headerPart = "Framebuffer-Part"
)

var recordingForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func checkRecording(name string) error {
	if recordingForm.MatchString(name) {
		return nil
	}
	return fmt.Errorf("%w: a recording cannot be called %.80q: use 1 to 64 letters, digits, hyphens and underscores", topic.ErrBadName, name)
}

func partSubject(recording string) string { return recordingSubject + recording + ".part" }

// frameSubject is that of the message which makes a frame of what came before.
func frameSubject(recording string) string { return recordingSubject + recording + ".frame" }

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
	err := json.Unmarshal([]byte(h.Get(headerFrame)), &f)
	return f, err == nil && f.Size > 0 && f.Parts > 0 && f.Parts <= maxParts && f.Sequence <= 1<<62
}
