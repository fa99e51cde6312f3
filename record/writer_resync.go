package record

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/topic"
)

// lastAcks is how long, after a message was not stored, resync waits for JetStream's answers to the
// messages sent before.
const lastAcks = 2 * time.Second

// resync reads where the stream ends, so that sending can start there: before the first frame, and
// after a message was not stored. It returns the frames that the stream does not have and that must
// be sent again, oldest first. errTakenOver, and [ErrNoRecording] if the recording was deleted, are
// permanent; other errors may be temporary.
func (k *streamWriter) resync(ctx context.Context) ([]topic.Message, error) {
	select {
	case <-k.js.PublishAsyncComplete(): // all messages are answered: none is stored later
	case <-time.After(lastAcks):
		// A JetStream that cannot write does not answer each message. If it stores one of them
		// later after all, the next message's expected predecessor is wrong, and it is rejected.
		k.js.CleanupPublisher()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if !k.nats.IsConnected() {
		return nil, errAway
	}
	ctx, cancel := context.WithTimeout(ctx, natsconn.DialTimeout)
	defer cancel()
	stream, err := openRecording(ctx, k.js, k.name)
	if err != nil {
		return nil, err
	}
	at := stream.CachedInfo().State.LastSeq
	stored, err := k.lastStored(ctx, stream)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.storedUpTo(stored)
	var again []topic.Message
	for _, u := range k.sent {
		again = append(again, u.message)
	}
	k.sent, k.failed, k.stop = nil, nil, nil
	k.stream, k.last, k.sending, k.ordinal = stream, at, false, k.stored
	return again, nil
}

// maxForeign is how many messages at the stream's end lastStored reads at most to find this
// recorder's last one, if other programs stored messages after it.
const maxForeign = 64

// lastStored returns the ordinal after that of this recorder's last frame in the stream, or 0 if it
// has none. It reads from the stream's end backwards, and returns errTakenOver if it meets another
// recorder's message first. It skips messages that no recorder stored.
func (k *streamWriter) lastStored(ctx context.Context, stream jetstream.Stream) (uint64, error) {
	at := stream.CachedInfo().State
	if !k.marked {
		return 0, nil
	}
	for number := at.LastSeq; number > 0 && number >= at.FirstSeq && at.LastSeq-number < maxForeign; number-- {
		raw, err := stream.GetMsg(ctx, number)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // deleted because of its age
		}
		if err != nil {
			return 0, fmt.Errorf("record: look at the recording's end: %w", err)
		}
		m, ok := readKept(raw.Subject, number, raw.Header, raw.Data)
		switch {
		case !ok:
			k.warn()
		case m.run != k.run:
			return 0, fmt.Errorf("%w: %q", errTakenOver, k.name)
		case m.mark: // this recorder's, stored late perhaps
		case m.ends:
			return m.ordinal + 1, nil
		default: // part of this frame; the frames before it are stored
			return m.ordinal, nil
		}
	}
	return 0, nil
}

// warn logs once that other programs publish to the recording.
func (k *streamWriter) warn() {
	if k.warned {
		return
	}
	k.warned = true
	k.log.Warn("a program that is no recorder publishes to the subjects of this recording, which costs frames and is not replayed: permit recorders alone to publish to "+recordingSubject+">",
		"messaging.destination.name", partSubject(k.name))
}

// openStream creates the recording, or continues an existing one. Limits that are not 0 are applied
// to an existing recording too.
func (k *streamWriter) openStream(ctx context.Context, o RecorderOptions) error {
	if err := checkRecording(k.name); err != nil {
		return err
	}
	_, err := openRecording(ctx, k.js, k.name)
	switch {
	case err == nil:
		return k.goOn(ctx, o)
	case !errors.Is(err, ErrNoRecording):
		return err
	}
	_, err = k.js.CreateStream(ctx, jetstream.StreamConfig{
		Name:        streamName(k.name),
		Description: "Frames of the topic " + o.Topic + ", by framebuffer record",
		Subjects:    recordingSubjects(k.name),
		Storage:     jetstream.FileStorage,
		Discard:     jetstream.DiscardOld,
		MaxAge:      o.MaxAge,
		MaxBytes:    orUnlimited(o.MaxBytes),
		Replicas:    max(o.Replicas, 1),
		Duplicates:  shortest, // no ID is used twice, so JetStream need not remember any
		Metadata:    map[string]string{metaTopic: o.Topic, metaFormat: recordingFormat},
	})
	if err != nil {
		return fmt.Errorf("record: make the recording %q: %w", k.name, explainJetStream(err))
	}
	k.made = true
	return nil
}

// discard deletes the recording if this recorder created it and it has no frame, so that a misspelt
// topic leaves no empty recording.
func (k *streamWriter) discard(ctx context.Context) error {
	if !k.made {
		return nil
	}
	stream, err := openRecording(ctx, k.js, k.name)
	if err != nil {
		return err
	}
	if _, err = stream.GetLastMsgForSubject(ctx, frameSubject(k.name)); !errors.Is(err, jetstream.ErrMsgNotFound) {
		return err // nil: it has a frame; else this is not known
	}
	return k.js.DeleteStream(ctx, streamName(k.name))
}

// orUnlimited returns n, or for 0 the value by which JetStream means no limit.
func orUnlimited(n int64) int64 {
	if n == 0 {
		return -1
	}
	return n
}

// goOn prepares an existing recording: it checks its topic, and applies limits and subjects.
func (k *streamWriter) goOn(ctx context.Context, o RecorderOptions) error {
	stream, err := openRecording(ctx, k.js, k.name)
	if err != nil {
		return err
	}
	cfg := stream.CachedInfo().Config
	if of := cfg.Metadata[metaTopic]; of != o.Topic {
		return fmt.Errorf("%w: the recording %q is of topic %.100q, not %.100q: give this one another name, or delete that with framebuffer recordings --delete %s", topic.ErrBadName, k.name, of, o.Topic, k.name)
	}
	was := cfg
	if o.MaxAge > 0 {
		cfg.MaxAge = o.MaxAge
	}
	if o.MaxBytes > 0 {
		cfg.MaxBytes = o.MaxBytes
	}
	if o.Replicas > 0 {
		cfg.Replicas = o.Replicas
	}
	// A recording of format 1 has subjects below framebuffer.>. Its stored messages keep them; new
	// ones get the recording's own subjects.
	cfg.Subjects = recordingSubjects(k.name)
	moved := !slices.Equal(cfg.Subjects, was.Subjects) || was.Metadata[metaFormat] != recordingFormat
	if cfg.Metadata = maps.Clone(was.Metadata); moved {
		cfg.Metadata[metaFormat] = recordingFormat
	}
	if !moved && cfg.MaxAge == was.MaxAge && cfg.MaxBytes == was.MaxBytes && cfg.Replicas == was.Replicas {
		return nil
	}
	if _, err := k.js.UpdateStream(ctx, cfg); err != nil {
		return fmt.Errorf("record: change the limits or subjects of the recording %q: %w", k.name, explainJetStream(err))
	}
	return nil
}

// shortest is the least MaxAge, and the least time to remember IDs, that NATS accepts.
const shortest = 100 * time.Millisecond
