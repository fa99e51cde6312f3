package record

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// RecorderOptions are for [NewRecorder]. Topic is required; the zero value of the other members
// means the default.
type RecorderOptions struct {
	Topic string // to record

	// Recording is the recording's name, which has the form of a topic's name. An existing
	// recording is continued. Default: the topic's name.
	Recording string

	// From is the frame of the topic to begin with. Default: the next one.
	From topic.From

	// MaxAge and MaxBytes limit the recording: its oldest frames are deleted. MaxAge is at least
	// 0.1 s; MaxBytes includes what JetStream adds, some hundred bytes for each 512 KiB. Default:
	// no limit, or that of the recording that is continued.
	MaxAge   time.Duration
	MaxBytes int64

	// Replicas is how many servers of a NATS cluster store the recording. Default: 1, or as many as
	// those of the recording that is continued.
	Replicas int

	// Every selects the frames whose sequence number it divides. Default: all frames.
	Every int

	// Rate is how many frames are recorded a second at most. Default: all frames.
	Rate float64

	// Logger receives the recorder's log. Default: nothing is logged.
	Logger *slog.Logger
}

// check returns an error for options that are out of range.
func (o *RecorderOptions) check() error {
	if o.Every < 0 || o.Rate < 0 || o.Rate != o.Rate || o.MaxBytes < 0 || o.Replicas < 0 {
		return fmt.Errorf("%w: every %d frames, %v a second, %d bytes, %d replicas; none can be negative", framebuffer.ErrBadSize, o.Every, o.Rate, o.MaxBytes, o.Replicas)
	}
	if o.MaxAge != 0 && o.MaxAge < shortest {
		return fmt.Errorf("%w: frames that become %v old; they can become %v at least", framebuffer.ErrBadSize, o.MaxAge, shortest)
	}
	return checkRecording(o.Recording)
}

// State is what a recorder is doing.
type State string

// The states of a recorder.
const (
	StateRecording State = "recording" // JetStream stores what the topic publishes
	StateWaiting   State = "waiting"   // for NATS, JetStream or its disk; RecorderStats.Why says for which
)

// RecorderStats are a recorder's counters and its present state. Counters never decrease.
type RecorderStats struct {
	Topic     string `json:"topic"`
	Recording string `json:"recording"`
	State     State  `json:"state"`
	Why       string `json:"why,omitempty"`     // why it waits, or waited last
	Frames    uint64 `json:"frames"`            // stored by JetStream
	Bytes     uint64 `json:"bytes"`             // of those frames
	Lost      uint64 `json:"lost"`              // overwritten before they were read, or not stored before the end
	LeftOut   uint64 `json:"left_out"`          // by Every and Rate
	Refused   uint64 `json:"refused"`           // larger than MaxBytes
	Trouble   string `json:"trouble,omitempty"` // why JetStream did not store last, and what to do
}
