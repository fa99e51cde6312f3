package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/core-framebuffer/framebuffer/topic"
)

// lastAcks is how long, after something was not stored, answers to what was sent are waited for.
const lastAcks = 2 * time.Second

// resync looks where the stream ends, so that sending can begin there, at first and after
// something was not stored. It returns the frames that are to be sent again, oldest first:
// those that the stream does not have. errTakenOver, and ErrNoRecording when it was deleted, are
// for ever; other errors may go away.
func (k *keeper) resync(ctx context.Context) ([]topic.Message, error) {
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
	ctx, cancel := context.WithTimeout(ctx, natsLimit)
	defer cancel()
	stream, err := openRecording(ctx, k.js, k.name)
	if err != nil {
		return nil, err
	}
	at := stream.CachedInfo().State.LastSeq
	if err := k.ours(ctx, stream, at); err != nil {
		return nil, err
	}
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

// ours returns errTakenOver if the stream has another recorder's messages behind ours.
func (k *keeper) ours(ctx context.Context, stream jetstream.Stream, last uint64) error {
	if last == 0 || !k.marked {
		return nil
	}
	m, err := stream.GetMsg(ctx, last)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil // deleted by its age
	}
	if err != nil {
		return fmt.Errorf("record: look at the recording's end: %w", err)
	}
	if p, ok := readPart(m.Header); ok && p.run != k.run {
		return fmt.Errorf("%w: %q", errTakenOver, k.name)
	}
	return nil
}

// lastStored returns the ordinal behind that of the last frame in the stream that is ours, or 0.
func (k *keeper) lastStored(ctx context.Context, stream jetstream.Stream) (uint64, error) {
	m, err := stream.GetLastMsgForSubject(ctx, frameSubject(k.name))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("record: look for the recording's last frame: %w", err)
	}
	if p, ok := readPart(m.Header); ok && p.run == k.run {
		return p.ordinal + 1, nil
	}
	return 0, nil
}

// openStream makes the recording, or goes on with the one that there is. Limits that are not 0
// are given to one that there is, too.
func (k *keeper) openStream(ctx context.Context, o RecorderOptions) error {
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
		Subjects:    []string{partSubject(k.name), frameSubject(k.name)},
		Storage:     jetstream.FileStorage,
		Discard:     jetstream.DiscardOld,
		MaxAge:      o.MaxAge,
		MaxBytes:    orUnlimited(o.MaxBytes),
		Replicas:    max(o.Replicas, 1),
		Duplicates:  shortest, // no ID comes twice, so none has to be remembered
		Metadata:    map[string]string{metaTopic: o.Topic, metaFormat: recordingFormat},
	})
	if err != nil {
		return fmt.Errorf("service: make the recording %q: %w", k.name, explainJetStream(err))
	}
	k.made = true
	return nil
}

// discard deletes the recording if this recorder made it and there is no frame in it: a topic that
// is misspelt leaves no recording behind.
func (k *keeper) discard(ctx context.Context) error {
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
func (k *keeper) goOn(ctx context.Context, o RecorderOptions) error {
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
	if cfg.MaxAge == was.MaxAge && cfg.MaxBytes == was.MaxBytes && cfg.Replicas == was.Replicas {
		return nil
	}
	if _, err := k.js.UpdateStream(ctx, cfg); err != nil {
		return fmt.Errorf("service: change the limits of the recording %q: %w", k.name, err)
	}
	return nil
}

// shortest is the least MaxAge, and time to remember IDs, that NATS takes.
const shortest = 100 * time.Millisecond
