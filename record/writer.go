package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/topic"
)

const (
	// maxPart is how many bytes of a frame a message has at most, headers not counted,
	// and headRoom what these may take.
	maxPart    = 512 << 10
	headerRoom = 2 << 10

	// maxUnstored is how many messages may be on their way to JetStream.
	maxUnstored = 32

	// ackLimit is how long JetStream may take to say that it has stored a message.
	ackLimit = 10 * time.Second
)

var (
	errTakenOver = errors.New("framebuffer: another recorder, which was started later, writes to this recording")
	errAway      = errors.New("NATS is away")
	errDuplicate = errors.New("another program took the ID of a message of this recorder")
)

// streamWriter puts frames into a recording's stream, in order. Each message says behind which one it
// has to stand: the first after resync behind the stream's last, by its number, and the others behind
// the one before, by its ID. JetStream takes it there or not at all: no frame is torn apart by another
// recorder's, stored twice, or stored without all that belongs before it. (Numbers alone would
// not do: where another's message took a place, the next of ours would find it taken as it
// should be.) After the first message that was not stored, none is until resync. Its methods are for one
// goroutine; NATS calls acked and fail on its own.
type streamWriter struct {
	nats   *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
	name   string // of the recording
	run    string
	log    *slog.Logger
	part   int                 // bytes of a frame in a message
	count  func(topic.Message) // is called for each frame that is stored

	last    uint64 // number of the stream's last message, before anything was sent
	sending bool   // something was, after that
	made    bool   // the stream did not exist before
	marked  bool   // this recorder's mark is in the stream
	warned  bool   // of what no recorder stored
	ids     uint64 // given to messages; none is given twice
	ordinal uint64 // of the next frame

	mu      sync.Mutex
	sent    []unstored    // oldest first
	stored  uint64        // ordinals below this are known to be stored
	failed  error         // a message was not stored
	stop    func()        // called then
	changed chan struct{} // something of these did; holds one
}

// unstored is a frame that is not known to be stored.
type unstored struct {
	message topic.Message
	ordinal uint64
	head    *nats.Msg // the message that makes it a frame; nil while parts of it are being sent
}

func newStreamWriter(nc *nats.Conn, name string, log *slog.Logger, count func(topic.Message)) (k *streamWriter, err error) {
	k = &streamWriter{nats: nc, name: name, run: natsconn.NewSecret()[:16], log: log, count: count, changed: make(chan struct{}, 1)}
	k.part = min(maxPart, int(nc.MaxPayload())-headerRoom)
	if k.part < headerRoom {
		return nil, fmt.Errorf("service: NATS takes messages of %d bytes; recordings need %d: raise its max_payload", nc.MaxPayload(), 2*headerRoom)
	}
	k.js, err = jetstream.New(nc,
		jetstream.WithPublishAsyncMaxPending(maxUnstored),
		jetstream.WithPublishAsyncTimeout(ackLimit),
		jetstream.WithPublishAsyncAckHandler(k.acked),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, _ *nats.Msg, err error) { k.fail(err) }))
	if err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	return k, nil
}

// send sends a frame's messages. It returns once the bytes are on their way; whether they are
// stored, time will tell.
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

// mark takes the recording: it stores a message without bytes before the first frame, wherever the
// stream ends. Whoever recorded before finds it in the way of its next message, however fast it
// sends, and sees whose it is.
func (k *streamWriter) mark(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, natsconn.DialTimeout)
	defer cancel()
	k.ids++ // each attempt has an ID: that of one before may yet be stored
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

// unsent notes a frame of which nothing is sent yet; also when nothing can be, for resync.
func (k *streamWriter) unsent(m topic.Message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sent = append(k.sent, unstored{message: m, ordinal: k.ordinal})
	return k.failed
}

// publish sends a message, and waits while too many are on their way. The data is nobody's when
// it returns: nats.go has copied it, and does not send again by itself.
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

// id is that of the message that was sent last.
func (k *streamWriter) id() string { return messageID(k.run, k.ids) }

func (k *streamWriter) failure() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failed
}

// fail says that a message was not stored, or may not be.
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

// settle waits until all that was sent is stored. It returns why something is not.
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

// begin has stop called when something is not stored.
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

func (k *streamWriter) close() { k.js.CleanupPublisher() }
