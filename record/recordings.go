package record

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrNoRecording says that there is no recording of that name, or not any more.
var ErrNoRecording = errors.New("framebuffer: no such recording")

// Metadata of a recording's stream.
const (
	metaTopic  = "framebuffer.topic"
	metaFormat = "framebuffer.format"

	// recordingFormat is the format that this version writes. It reads earlierFormat too, which has
	// other subjects.
	recordingFormat = "2"
	earlierFormat   = "1"
)

// Recording is a topic's history in JetStream, at one moment.
type Recording struct {
	Name          string        `json:"name"`
	Topic         string        `json:"topic"`                     // the topic that was recorded
	Frames        uint64        `json:"frames"`                    // stored frames; one at either end may be incomplete
	Bytes         uint64        `json:"bytes"`                     // of storage, with what JetStream adds
	First         time.Time     `json:"first,omitzero"`            // when the oldest stored message was recorded
	Last          time.Time     `json:"last,omitzero"`             // when the newest was
	MaxAge        time.Duration `json:"max_age,omitempty"`         // older frames are deleted; in JSON nanoseconds, deprecated: MaxAgeSeconds
	MaxAgeSeconds float64       `json:"max_age_seconds,omitempty"` // MaxAge
	MaxBytes      int64         `json:"max_bytes,omitempty"`       // beyond this the oldest frames are deleted
}

// maxRecordings limits a list: peers that may answer for JetStream could name any number of
// recordings.
const maxRecordings = 10_000

// List returns the recordings in this NATS account, ordered by name. It returns [ErrNoJetStream],
// [ErrTooMany] if there are more than 10,000, and the context's error.
func List(ctx context.Context, nc *nats.Conn) ([]Recording, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	listing, end := context.WithCancel(ctx) // otherwise the sender of names that are not received waits forever
	defer end()
	found := map[string]bool{}
	for _, subjects := range []string{recordingSubject, earlierSubject} {
		names := js.StreamNames(listing, jetstream.WithStreamListSubject(subjects+">"))
		for name := range names.Name() {
			if len(found) == maxRecordings {
				return nil, fmt.Errorf("%w JetStream's question for names: these are %d recordings; delete some, or ask for one by its name", ErrTooMany, maxRecordings)
			}
			if spelling, ok := strings.CutPrefix(name, recordingStream); ok {
				if r, ok := readName(spelling); ok {
					found[r] = true
				}
			}
		}
		if err := names.Err(); err != nil {
			return nil, fmt.Errorf("record: list recordings: %w", explainJetStream(err))
		}
	}
	all := []Recording{}
	for name := range found {
		r, err := lookUp(ctx, js, name)
		if errors.Is(err, ErrNoRecording) {
			continue // deleted since, or a stream that no recorder made
		}
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Recording) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// Find returns the recording of that name. It returns ErrNoRecording, ErrNoJetStream,
// topic.ErrBadName and the context's error.
func Find(ctx context.Context, nc *nats.Conn, name string) (r Recording, err error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return r, fmt.Errorf("record: %w", err)
	}
	return lookUp(ctx, js, name)
}

// lookUp is [Find] with a JetStream context.
func lookUp(ctx context.Context, js jetstream.JetStream, name string) (r Recording, err error) {
	stream, err := openRecording(ctx, js, name)
	if err != nil {
		return r, err
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		return r, notThere(name, err)
	}
	r = Recording{
		Name: name, Topic: info.Config.Metadata[metaTopic], Bytes: info.State.Bytes, MaxAge: info.Config.MaxAge, MaxAgeSeconds: info.Config.MaxAge.Seconds(),
		MaxBytes: max(info.Config.MaxBytes, 0),
	}
	for subject, messages := range info.State.Subjects {
		if strings.HasSuffix(subject, frameEnd) {
			r.Frames += messages
		}
	}
	if info.State.Msgs > 0 {
		r.First, r.Last = info.State.FirstTime, info.State.LastTime
	}
	return r, nil
}

// openRecording returns a recording's stream. It returns [ErrNoRecording] if the stream does not
// exist or is not a recording, and an error if its format is unknown.
func openRecording(ctx context.Context, js jetstream.JetStream, name string) (jetstream.Stream, error) {
	if err := checkRecording(name); err != nil {
		return nil, err
	}
	stream, err := js.Stream(ctx, streamName(name))
	if err != nil {
		return nil, notThere(name, err)
	}
	switch format := stream.CachedInfo().Config.Metadata[metaFormat]; format {
	case recordingFormat, earlierFormat:
		return stream, nil
	case "":
		return nil, fmt.Errorf("%w: the stream %s was not made by framebuffer record", ErrNoRecording, streamName(name))
	default:
		return nil, fmt.Errorf("record: the recording %q has the format %.20q, and this program knows %s: use a newer one", name, format, recordingFormat)
	}
}

// notThere adds the recording's name to an error of its stream: ErrNoRecording if it does not
// exist.
func notThere(name string, err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("%w: %q: framebuffer recordings lists them", ErrNoRecording, name)
	}
	return fmt.Errorf("record: recording %q: %w", name, explainJetStream(err))
}

// Delete deletes the recording of that name with all its frames. A [Recorder] or [Player] of it
// ends with [ErrNoRecording]. Delete returns [ErrNoRecording], [ErrNoJetStream], [topic.ErrBadName]
// and the context's error.
func Delete(ctx context.Context, nc *nats.Conn, name string) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if _, err := openRecording(ctx, js, name); err != nil {
		return err
	}
	if err := js.DeleteStream(ctx, streamName(name)); err != nil {
		return notThere(name, err)
	}
	return nil
}
