package record

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/natsconn"
)

const (
	// quietStream is how long JetStream may send nothing while messages are pending before the
	// player asks again. If a frame has begun and no message is pending, its rest may take as long.
	quietStream = 2 * time.Second

	// forgetTimeout is how long deleting a consumer may take.
	forgetTimeout = 50 * time.Millisecond

	// readAhead and readMessages are how many bytes and messages the player requests at a time.
	readAhead    = 8 << 20
	readMessages = 256
)

// pass is one replay of the whole recording.
type pass struct {
	*Player
	next      uint64 // sequence number in the stream of the message to continue with; 0: at From
	lineage   lineage
	assembler assembler
}

// playOnce publishes the recording from its beginning to its end.
func (p *Player) playOnce(ctx context.Context) error {
	l := &pass{Player: p, assembler: assembler{most: int(min(p.ring.Stats().Capacity, 1<<40))}}
	wait := firstRecordWait
	for {
		at := l.next
		done, err := l.read(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case done:
			p.missed(l.assembler.finish())
			return nil
		case err == nil: // ask again
		case fatal(err), errors.Is(err, framebuffer.ErrReadOnly):
			return err
		default:
			p.log.Debug("the recording does not come; trying again", "error.message", err)
		}
		if l.next > at {
			wait = firstRecordWait
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
			wait = min(2*wait, lastRecordWait)
		}
	}
}

func (p *Player) missed(n uint64) {
	p.count(func(s *PlayerStats) { s.Incomplete += n })
}

// consume creates a consumer that starts at the pass's current message.
func (l *pass) consume(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, natsconn.DialTimeout)
	defer cancel()
	stream, err := openRecording(ctx, l.js, l.options.Recording)
	if err != nil {
		return nil, err
	}
	cfg := jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute,
	}
	switch {
	case l.next > 0:
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, l.next
	case !l.options.From.IsZero():
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &l.options.From
	}
	return stream.CreateConsumer(ctx, cfg)
}

// read reads and publishes, and reports whether it has reached the recording's end. If not, and
// without an error, the caller calls it again to continue.
func (l *pass) read(ctx context.Context) (done bool, err error) {
	if !l.nats.IsConnected() {
		return false, errAway
	}
	consumer, err := l.consume(ctx)
	if err != nil {
		return false, err
	}
	info := consumer.CachedInfo()
	defer l.forget(info.Name)
	if info.NumPending == 0 {
		return true, nil
	}
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	away := l.nats.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	defer l.nats.RemoveStatusListener(away)
	go func() { // messages on their way are lost with the connection: do not wait for them
		select {
		case <-away:
			cancel()
		case <-asking.Done():
		}
	}()
	for number := uint64(1); ; {
		before := number
		done, err := l.batch(ctx, asking, consumer, &number)
		if done || err != nil || number == before {
			return done, err
		}
	}
}

// batch requests, reads and publishes one batch of messages, unless asking ends first. number is
// the consumer's sequence number of the next message. It reports whether the recording's end is
// reached.
func (l *pass) batch(ctx, asking context.Context, consumer jetstream.Consumer, number *uint64) (done bool, err error) {
	limited, cancel := context.WithTimeout(asking, quietStream)
	defer cancel()
	messages, err := consumer.Fetch(readMessages, jetstream.FetchMaxBytes(readAhead), jetstream.FetchContext(limited))
	if err != nil {
		return false, err
	}
	for m := range messages.Messages() {
		meta, err := m.Metadata()
		if err != nil {
			return false, err
		}
		if meta.Sequence.Consumer != *number {
			return false, errGap
		}
		if !l.options.To.IsZero() && meta.Timestamp.After(l.options.To) {
			k, _ := readKept(m.Subject(), meta.Sequence.Stream, m.Headers(), m.Data())
			l.missed(l.assembler.cut(k.partOf))
			return true, nil
		}
		*number++
		l.next = meta.Sequence.Stream + 1
		if err := l.take(ctx, m, meta); err != nil {
			return false, err
		}
		if meta.NumPending == 0 && !l.assembler.begun() {
			return true, nil
		}
	}
	if err := messages.Error(); err != nil && limited.Err() == nil {
		return false, err
	}
	return false, nil
}

var errGap = errors.New("messages were lost on the way")

// forget deletes a consumer. If NATS cannot be reached, JetStream deletes it after a minute.
func (l *pass) forget(consumer string) {
	ctx, cancel := context.WithTimeout(context.Background(), forgetTimeout)
	defer cancel()
	_ = l.js.DeleteConsumer(ctx, streamName(l.options.Recording), consumer)
}

// take adds a message to the current frame, and publishes the frame when it is complete. A message
// that no recorder can have stored at its place is only counted.
func (l *pass) take(ctx context.Context, m jetstream.Msg, meta *jetstream.MsgMetadata) error {
	k, ok := readKept(m.Subject(), meta.Sequence.Stream, m.Headers(), m.Data())
	if !ok {
		l.lineage.see(meta.Sequence.Stream)
	}
	if !ok || !l.lineage.take(k) {
		l.count(func(s *PlayerStats) { s.Damaged++ })
		return nil
	}
	l.missed(l.assembler.add(k.partOf, m.Data()))
	if !k.ends {
		return nil
	}
	frame, valid := readFrame(m.Headers())
	if !valid {
		frame.Parts = k.index + 1 // count it as damaged, not as incomplete
	}
	whole, missed := l.assembler.end(k.partOf, frame.Parts)
	l.missed(missed)
	switch {
	case !whole:
		return nil
	case l.assembler.large:
		l.count(func(s *PlayerStats) { s.Refused++ })
		return nil
	case !valid || !l.holds(frame, k.run, l.assembler.data):
		l.count(func(s *PlayerStats) { s.Damaged++ })
		return nil
	}
	return l.publish(ctx, moment{frame: frame, run: k.run, stored: meta.Timestamp}, l.assembler.data)
}

// holds reports whether data matches the frame's size and checksum, and the frame's sequence number
// is plausible. [pass.take] checks this before the frame is paced, so that a damaged one is not
// waited for.
func (l *pass) holds(frame recordedFrame, run string, data []byte) bool {
	if len(data) != frame.Size || run == l.pacer.last.run && frame.Sequence > l.pacer.last.frame.Sequence+maxJump {
		return false
	}
	if sum := framebuffer.ChecksumOf(data); sum != frame.Checksum {
		l.log.Warn("a frame is not what was recorded", "framebuffer.sequence", frame.Sequence, "framebuffer.checksum", sum, "framebuffer.recorded", frame.Checksum)
		return false
	}
	return true
}
