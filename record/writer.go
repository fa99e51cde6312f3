package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/topic"
)

const (
	// maxPart is how many bytes of a frame a message has at most, without headers, and headerRoom
	// how many bytes the headers may have.
	maxPart    = 512 << 10
	headerRoom = 2 << 10

	// maxUnstored is how many messages may be unacknowledged at a time.
	maxUnstored = 32

	// ackLimit is how long JetStream may take to acknowledge a message.
	ackLimit = 10 * time.Second
)

var (
	errTakenOver = errors.New("framebuffer: another recorder, which was started later, writes to this recording")
	errAway      = errors.New("NATS is away")
	errDuplicate = errors.New("another program took the ID of a message of this recorder")
)

// streamWriter appends frames to a recording in order. Each message carries its expected
// predecessor: the stream's last sequence number for the first message after resync, and the
// previous message's ID for the others. JetStream rejects a message that does not directly follow
// that one. Frames are therefore never interleaved with another recorder's, duplicated, or stored
// incomplete. (Sequence numbers alone would not do: after a message of another recorder had taken a
// number, the next message of this one would expect just that number.) After one rejection nothing
// is stored until resync. One goroutine calls its methods; NATS calls acked and fail from its own.
type streamWriter struct {
	nats   *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
	name   string // of the recording
	run    string
	log    *slog.Logger
	part   int                 // bytes of a frame in a message
	count  func(topic.Message) // called for each stored frame
	place
	acks
}

// place is what the next message must follow. The goroutine that calls the writer's methods has it
// for itself.
type place struct {
	last    uint64 // sequence number of the stream's last message, when nothing had been sent
	sending bool   // a message was sent since
	made    bool   // this recorder made the stream
	marked  bool   // this recorder's mark is in the stream
	warned  bool   // of messages that no recorder stored
	ids     uint64 // IDs given to messages; none is given twice
	ordinal uint64 // of the next frame
}

// acks is the state of the messages that were sent, by JetStream's acknowledgements. mu protects
// it.
type acks struct {
	mu      sync.Mutex
	sent    []unstored    // oldest first
	stored  uint64        // ordinals below this are known to be stored
	failed  error         // a message was not stored
	stop    func()        // called when failed is set
	changed chan struct{} // receives a value, buffered, when one of these has changed
}

// unstored is a frame that is not known to be stored.
type unstored struct {
	message topic.Message
	ordinal uint64
	head    *nats.Msg // the final message; nil until it is about to be sent
}

func newStreamWriter(nc *nats.Conn, name string, log *slog.Logger, count func(topic.Message)) (k *streamWriter, err error) {
	k = &streamWriter{nats: nc, name: name, run: natsconn.NewSecret()[:16], log: log, count: count, acks: acks{changed: make(chan struct{}, 1)}}
	k.part = min(maxPart, int(nc.MaxPayload())-headerRoom)
	if k.part < headerRoom {
		return nil, fmt.Errorf("record: NATS takes messages of %d bytes; recordings need %d: raise its max_payload", nc.MaxPayload(), 2*headerRoom)
	}
	k.js, err = jetstream.New(nc,
		jetstream.WithPublishAsyncMaxPending(maxUnstored),
		jetstream.WithPublishAsyncTimeout(ackLimit),
		jetstream.WithPublishAsyncAckHandler(k.acked),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, _ *nats.Msg, err error) { k.fail(err) }))
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return k, nil
}

// send sends a frame's messages. It returns before they are stored.
func (k *streamWriter) send(ctx context.Context, m topic.Message, since time.Duration, data []byte) error {
	if err := k.unsent(m); err != nil {
		return err
	}
	if !k.marked {
		if err := k.mark(ctx); err != nil {
			k.fail(err)
			return k.failure()
		}
	}
	parts := (len(data) + k.part - 1) / k.part
	for i := range parts {
		msg := &nats.Msg{
			Subject: partSubject(k.name),
			Header:  nats.Header{headerPart: {partOf{k.run, k.ordinal, i}.String()}},
			Data:    data[i*k.part : min((i+1)*k.part, len(data))],
		}
		if i == parts-1 {
			head, err := json.Marshal(recordedFrame{
				Parts: parts, Sequence: m.Sequence, Time: m.Time.UnixNano(), Since: int64(since), Size: len(data), Checksum: m.Frame.Checksum, Meta: m.Meta,
			})
			if err != nil {
				return fmt.Errorf("record: %w", err)
			}
			msg.Subject = frameSubject(k.name)
			msg.Header.Set(wire.HeaderFrame, string(head))
			k.mu.Lock()
			k.sent[len(k.sent)-1].head = msg // before it can be acknowledged
			k.mu.Unlock()
		}
		if err := k.publish(ctx, msg); err != nil {
			return err
		}
	}
	k.ordinal++
	return nil
}

// mark takes the recording over: before the first frame it stores a message without bytes at the
// end of the stream, wherever that is. An earlier recorder's next message then does not follow its
// predecessor, is rejected, and that recorder finds the mark.
func (k *streamWriter) mark(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, natsconn.DialTimeout)
	defer cancel()
	k.ids++ // each attempt has its own ID: the message of an earlier attempt may still be stored
	m := &nats.Msg{Subject: partSubject(k.name), Header: nats.Header{headerPart: {partOf{run: k.run}.String()}}}
	ack, err := k.js.PublishMsg(ctx, m, jetstream.WithExpectStream(streamName(k.name)), jetstream.WithMsgID(k.id()))
	if err == nil && ack.Duplicate {
		err = errDuplicate
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer, as where NATS does not permit this user to publish to %s>: %w", recordingSubject, err)
	}
	if err != nil {
		return fmt.Errorf("take the recording: %w", err)
	}
	k.marked, k.sending = true, true
	return nil
}

// unsent notes a frame before it is sent, so that resync returns it if it is not stored.
func (k *streamWriter) unsent(m topic.Message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sent = append(k.sent, unstored{message: m, ordinal: k.ordinal})
	return k.failed
}

// publish sends a message, and waits while too many are unacknowledged. The caller may reuse the
// data when it returns: nats.go has copied it, and does not send again by itself.
func (k *streamWriter) publish(ctx context.Context, m *nats.Msg) error {
	behind := jetstream.WithExpectLastSequence(k.last)
	if k.sending {
		behind = jetstream.WithExpectLastMsgID(k.id())
	}
	k.ids++
	for {
		if err := k.failure(); err != nil {
			return err
		}
		_, err := k.js.PublishMsgAsync(m,
			jetstream.WithExpectStream(streamName(k.name)), behind, jetstream.WithMsgID(k.id()), jetstream.WithRetryAttempts(0))
		switch {
		case err == nil:
			k.sending = true
			return nil
		case !errors.Is(err, jetstream.ErrTooManyStalledMsgs):
			k.fail(err)
		case ctx.Err() != nil:
			k.fail(ctx.Err())
		}
	}
}

// id returns the ID of the message that was sent last.
func (k *streamWriter) id() string { return messageID(k.run, k.ids) }

func (k *streamWriter) close() { k.js.CleanupPublisher() }
