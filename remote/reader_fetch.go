package remote

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/shm"
	"github.com/core-framebuffer/framebuffer/internal/stream"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// fetch is the transfer of one frame from another host.
type fetch struct {
	reader   *Reader
	frame    framebuffer.Frame
	dst      []byte // the bytes that have come, and room for more
	grow     bool   // dst is the fetch's own, and grows as bytes come
	received int
	progress time.Time // when the last byte came
	verifier *frameVerifier
}

const (
	// firstAllocation is how much memory is allocated for a frame before its owner has sent any byte:
	// a descriptor may claim any size.
	firstAllocation = 16 << 20

	// maxPartWait is how long a fetch waits for a part before it requests the rest again: longer than a
	// sender is silent, which sends a heartbeat each second.
	maxPartWait = 3 * time.Second
)

// errPartsLost says that parts were lost, so that the rest is requested again.
var errPartsLost = errors.New("parts were lost on the way")

// fetch requests a frame from its owner. It writes the bytes to dst if that is not nil.
func (r *Reader) fetch(ctx context.Context, frame framebuffer.Frame, dst []byte) ([]byte, error) {
	if r.trustErr != nil {
		return nil, fmt.Errorf("remote: ReaderOptions.Trust: %w", r.trustErr)
	}
	if frame.Size < 1 {
		return nil, fmt.Errorf("%w: asked to read %d bytes; a frame has at least 1", framebuffer.ErrBadSize, frame.Size)
	}
	if dst == nil {
		if err := r.checkSize(frame.Size); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.life, cancel)()
	f := &fetch{reader: r, frame: frame, dst: dst, grow: dst == nil, progress: time.Now(), verifier: r.newVerifier()}
	err := f.run(ctx)
	if err == nil {
		err = f.verify()
	}
	if err != nil {
		clear(dst)
		return nil, err
	}
	return f.dst, nil
}

// checkSize returns an error if no memory may be allocated for a frame of another host. Its size is
// what the descriptor claims, and its owner may send as much.
func (r *Reader) checkSize(size int) error {
	if limit := r.options.Attach.MaxFrame; limit > 0 && size > limit {
		return fmt.Errorf("%w: the frame of another host has %d bytes, and this reader takes %d: raise its MaxFrame (get --max-size)", framebuffer.ErrTooLarge, size, limit)
	}
	return shm.RoomForCopy(size)
}

// verify compares the bytes with the frame's checksum, and verifies their signature.
func (f *fetch) verify() error {
	sum := framebuffer.ChecksumOf(f.dst)
	intact := sum == f.frame.Checksum
	if err := f.verifier.verify(f.frame, intact); err != nil {
		return err
	}
	if !intact {
		return fberr.NewTimeout(framebuffer.Altered, "the %d bytes that came from another host have the checksum %v, not %v: the chunk holds something else than what was written", f.frame.Size, sum, f.frame.Checksum)
	}
	return nil
}

// run receives the whole frame, in as many attempts as it takes, while there is progress.
func (f *fetch) run(ctx context.Context) error {
	r := f.reader
	for {
		err := f.attempt(ctx)
		switch {
		case err == nil:
			return nil
		case r.life.Err() != nil:
			return wire.ErrClientClosed()
		case ctx.Err() != nil:
			return fmt.Errorf("read from another host, %d of %d bytes: %w", f.received, f.frame.Size, ctx.Err())
		case errors.Is(err, nats.ErrNoResponders):
			return fmt.Errorf("%w: %w: no server answers %s on the NATS at %s: the server of that ring has ended, or came back with a new ring, or is cut off: %w",
				framebuffer.ErrTimeout, framebuffer.ErrStaleKey, wire.ReadSubject(f.frame.Key), natsconn.RedactURL(r.nats.ConnectedUrl()), err)
		case errors.Is(err, nats.ErrConnectionClosed):
			return fmt.Errorf("%w: %w", wire.ErrClientClosed(), err)
		case !errors.Is(err, errPartsLost):
			return err
		case f.stalled():
			return fmt.Errorf("%w: %d of %d bytes came from another host, and then none for %v: it is cut off, or the line is too narrow for its traffic",
				framebuffer.ErrTimeout, f.received, f.frame.Size, r.options.Patience)
		}
		r.counters.resumed.Add(1)
	}
}

// stalled reports whether no byte has come for ReaderOptions.Patience.
func (f *fetch) stalled() bool { return time.Since(f.progress) > f.reader.options.Patience }

// attempt requests the bytes that have not come yet. It returns errPartsLost if another attempt may
// succeed.
func (f *fetch) attempt(ctx context.Context) error {
	window := uint64(f.reader.options.Window)
	request := nats.NewMsg(wire.ReadSubject(f.frame.Key))
	request.Data = []byte(f.frame.String())
	request.Header.Set(wire.HeaderFrom, strconv.Itoa(f.received))
	request.Header.Set(wire.HeaderWindow, strconv.FormatUint(window, 10))
	f.verifier.request(request)
	in, err := f.reader.requester.Request(request, window)
	if err != nil {
		return fmt.Errorf("remote: %w", err)
	}
	defer in.Close()
	for f.received < f.frame.Size {
		p, err := f.next(ctx, in)
		if err != nil {
			return err
		}
		if word := p.Header.Get(micro.ErrorCodeHeader); word != "" {
			return wire.ErrorOf(word, p.Header.Get(micro.ErrorHeader))
		}
		if p.Lost > 0 {
			return errPartsLost
		}
		if err := f.put(p); err != nil {
			return err
		}
		if f.stalled() { // an owner may send heartbeats for ever
			return errPartsLost
		}
	}
	in.Done()
	return nil
}

// next waits for a part, for half of ReaderOptions.Patience or maxPartWait.
func (f *fetch) next(ctx context.Context, in *stream.Receiver) (stream.Part, error) {
	limit := min(f.reader.options.Patience/2, maxPartWait)
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	p, err := in.Next(waiting)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, nats.ErrSlowConsumer) {
		return p, fmt.Errorf("%w: nothing came for %v: %w", errPartsLost, limit, err)
	}
	return p, err
}

// put appends the bytes of a part.
func (f *fetch) put(p stream.Part) error {
	if len(p.Data) > f.frame.Size-f.received {
		return fberr.NewTimeout(framebuffer.Altered, "another host sent more than the %d bytes of the frame", f.frame.Size)
	}
	if end := f.received + len(p.Data); f.grow && end > len(f.dst) {
		size := min(f.frame.Size, max(end, firstAllocation, 2*len(f.dst)))
		if err := shm.RoomForCopy(size); err != nil { // beside the memory that it replaces
			return err
		}
		larger := make([]byte, size)
		copy(larger, f.dst[:f.received])
		f.dst = larger
	}
	f.received += copy(f.dst[f.received:], p.Data)
	f.verifier.add(p.Data, p.Header)
	if len(p.Data) > 0 {
		f.progress = time.Now()
	}
	return nil
}
