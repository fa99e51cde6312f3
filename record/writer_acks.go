package record

import (
	"context"
	"fmt"
	"slices"

	"github.com/core-framebuffer/framebuffer/topic"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func (k *streamWriter) failure() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failed
}

// fail notes that a message was not stored, or may not have been.
func (k *streamWriter) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fails(err)
}

// fails is fail with the lock held.
func (k *streamWriter) fails(err error) {
	if k.failed == nil {
		k.failed = fmt.Errorf("JetStream did not store a frame: %w", err)
		if k.stop != nil {
			k.stop()
		}
	}
	k.change()
}

// acked is called with each message that is stored.
func (k *streamWriter) acked(_ jetstream.JetStream, m *nats.Msg, ack *jetstream.PubAck) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if ack != nil && ack.Duplicate { // no ID of ours is used twice
		k.fails(errDuplicate)
		return
	}
	if i := slices.IndexFunc(k.sent, func(u unstored) bool { return u.head == m }); i >= 0 {
		k.storedUpTo(k.sent[i].ordinal + 1)
	}
}

// storedUpTo counts the frames below that ordinal. The lock is held.
func (k *streamWriter) storedUpTo(ordinal uint64) {
	for len(k.sent) > 0 && k.sent[0].ordinal < ordinal {
		k.count(k.sent[0].message)
		k.sent = k.sent[1:]
	}
	k.stored = max(k.stored, ordinal)
	k.change()
}

func (k *streamWriter) change() {
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// settle waits until all that was sent is stored. It returns the error of what is not.
func (k *streamWriter) settle(ctx context.Context) error {
	for {
		k.mu.Lock()
		left, failed := len(k.sent), k.failed
		k.mu.Unlock()
		if failed != nil || left == 0 {
			return failed
		}
		select {
		case <-k.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// begin sets the function that is called when a message is not stored.
func (k *streamWriter) begin(stop func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stop = stop; k.failed != nil {
		stop()
	}
}

// unsettled returns what was sent and is not known to be stored.
func (k *streamWriter) unsettled() (all []topic.Message) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, u := range k.sent {
		all = append(all, u.message)
	}
	return all
}
