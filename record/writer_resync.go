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

// lastAcks is how long, after something was not stored, answers to what was sent are waited for.
const lastAcks = 2 * time.Second

// resync looks where the stream ends, so that sending can begin there, at first and after
// something was not stored. It returns the frames that are to be sent again, oldest first:
// those that the stream does not have. errTakenOver, and ErrNoRecording when it was deleted, are
// for ever; other errors may go away.
func (k *streamWriter) resync(ctx context.Context) ([]topic.Message, error) {
	select {
	case <-k.js.PublishAsyncComplete(): // nothing that was sent before comes after
	case <-time.After(lastAcks):
		// A JetStream that cannot write does not say so of each message. One that comes later all the same is found where
		// another was to stand, and that is refused.
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

// maxForeign is how many messages of no recorder a recorder looks behind for its own last one.
const maxForeign = 64

// lastStored returns the ordinal behind that of the last frame in the stream that is ours, or 0. It returns errTakenOver
// if another recorder's message comes first from the stream's end on. What no recorder has stored is passed over.
func (k *streamWriter) lastStored(ctx context.Context, stream jetstream.Stream) (uint64, error) {
	at := stream.CachedInfo().State
	if !k.marked {
		return 0, nil
	}
	for number := at.LastSeq; number > 0 && number >= at.FirstSeq && at.LastSeq-number < maxForeign; number-- {
		raw, err := stream.GetMsg(ctx, number)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // deleted by its age
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
		case m.mark: // may have come late
		case m.ends:
			return m.ordinal + 1, nil
		default: // all before it are stored
			return m.ordinal, nil
		}
	}
	return 0, nil
}

// warn says once that other programs publish to the recording.
func (k *streamWriter) warn() {
	if k.warned {
		return
	}
	k.warned = true
	k.log.Warn("a program that is no recorder publishes to the subjects of this recording, which costs frames and is not replayed: permit recorders alone to publish to "+recordingSubject+">",
		"messaging.destination.name", partSubject(k.name))
}

// openStream makes the recording, or goes on with the one that there is. Limits that are not 0
// are given to one that there is, too.
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
		Duplicates:  shortest, // no ID comes twice, so none has to be remembered
		Metadata:    map[string]string{metaTopic: o.Topic, metaFormat: recordingFormat},
	})
	if err != nil {
		return fmt.Errorf("record: make the recording %q: %w", k.name, explainJetStream(err))
	}
	k.made = true
	return nil
}

// discard deletes the recording if this recorder made it and there is no frame in it: a topic that
// is misspelt leaves no recording behind.
func (k *streamWriter) discard(ctx context.Context) error {
	if !k.made {
		return nil
	}
	stream, err := openRecording(ctx, k.js, k.name)
	if err != nil {
		return err
	}
	if _, err = stream.GetLastMsgForSubject(ctx, frameSubject(k.name)); !errors.Is(err, jetstream.ErrMsgNotFound) {
		return err // there is one, or that is not known
	}
	return k.js.DeleteStream(ctx, streamName(k.name))
}

func orUnlimited(n int64) int64 {
	if n == 0 {
		return -1
	}
	return n
}

// goOn prepares a recording that there is.
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
	// A recording of the format 1 has subjects below framebuffer.>: what is stored stays, and more comes under its own.
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

// shortest is the least MaxAge, and time to remember IDs, that NATS takes.
const shortest = 100 * time.Millisecond
