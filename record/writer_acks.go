package record

import (
	"context"
	"fmt"
	"slices"

	"github.com/core-framebuffer/framebuffer/topic"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// failure returns the error of a message that was not stored since [streamWriter.resync], or nil.
func (k *streamWriter) failure() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failed
}

// fail records that a message was not stored, or may not have been stored.
func (k *streamWriter) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fails(err)
}

// fails is [streamWriter.fail]. The caller holds k.mu.
func (k *streamWriter) fails(err error) {
	if k.failed == nil {
		k.failed = fmt.Errorf("JetStream did not store a frame: %w", err)
		if k.stop != nil {
			k.stop()
		}
	}
	k.change()
}

// acked handles JetStream's acknowledgement of a message. NATS calls it from its own goroutine.
func (k *streamWriter) acked(_ jetstream.JetStream, m *nats.Msg, ack *jetstream.PubAck) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if ack != nil && ack.Duplicate { // this recorder uses no ID twice
		k.fails(errDuplicate)
		return
	}
	if i := slices.IndexFunc(k.sent, func(u unstored) bool { return u.head == m }); i >= 0 {
		k.storedUpTo(k.sent[i].ordinal + 1)
	}
}

// storedUpTo counts the frames with lower ordinals as stored. The caller holds k.mu.
func (k *streamWriter) storedUpTo(ordinal uint64) {
	for len(k.sent) > 0 && k.sent[0].ordinal < ordinal {
		k.count(k.sent[0].message)
		k.sent = k.sent[1:]
	}
	k.stored = max(k.stored, ordinal)
	k.change()
}

// change wakes [streamWriter.settle].
func (k *streamWriter) change() {
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// settle waits until all frames that were sent are stored. It returns the error of a message that
// is not stored.
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

// begin sets the function to call when a message is not stored. It calls stop at once if one has
// failed already.
func (k *streamWriter) begin(stop func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stop = stop; k.failed != nil {
		stop()
	}
}

// unsettled returns the frames that were sent and are not known to be stored.
func (k *streamWriter) unsettled() (all []topic.Message) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, u := range k.sent {
		all = append(all, u.message)
	}
	return all
}
