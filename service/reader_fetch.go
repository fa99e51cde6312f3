package service

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/shm"
	"github.com/core-framebuffer/framebuffer/internal/stream"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// fetch is one frame on its way from another host.
type fetch struct {
	reader *Reader
	frame  framebuffer.Frame
	dst    []byte // what is there of it, and room for more
	own    bool   // dst is ours to make larger
	have   int
	moved  time.Time // when a byte came last
	proof  *proof    // of who sent it; nil: none is asked for
}

// firstRoom is what is allocated for a frame before its owner has sent any of it: a
// descriptor may claim any size.
const firstRoom = 16 << 20

// errPartsLost has the rest asked for again.
var errPartsLost = errors.New("parts were lost on the way")

// fetch asks the frame's owner for it, and puts it into dst if that is not nil.
func (r *Reader) fetch(ctx context.Context, frame framebuffer.Frame, dst []byte) ([]byte, error) {
	if r.trustErr != nil {
		return nil, fmt.Errorf("service: ReaderOptions.Trust: %w", r.trustErr)
	}
	if frame.Size < 1 {
		return nil, fmt.Errorf("%w: asked to read %d bytes; a frame has at least 1", framebuffer.ErrBadSize, frame.Size)
	}
	if dst == nil {
		if err := r.mayTake(frame.Size); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.life, cancel)()
	f := &fetch{reader: r, frame: frame, dst: dst, own: dst == nil, moved: time.Now(), proof: r.proof()}
	err := f.all(ctx)
	if err == nil {
		got := framebuffer.ChecksumOf(f.dst)
		if err = f.proof.verify(frame, got == frame.Checksum); err == nil && got != frame.Checksum {
			err = fmt.Errorf("%w: the %d bytes that came from another host have the checksum %v, not %v: the chunk holds something else than what was written",
				framebuffer.ErrTimeout, frame.Size, got, frame.Checksum)
		}
	}
	if err != nil {
		clear(dst)
		return nil, err
	}
	return f.dst, nil
}

// mayTake returns why no memory is taken for a frame of another host. Its size is what the descriptor
// says, and its owner may send as much.
func (r *Reader) mayTake(size int) error {
	if most := r.options.Attach.MaxFrame; most > 0 && size > most {
		return fmt.Errorf("%w: the frame of another host has %d bytes, and this reader takes %d: raise its MaxFrame (get --max-size)", framebuffer.ErrTooLarge, size, most)
	}
	return shm.RoomForCopy(size)
}

// all gets the whole frame, in as many attempts as it takes while it gets on.
func (f *fetch) all(ctx context.Context) error {
	for {
		err := f.attempt(ctx)
		switch {
		case err == nil:
			return nil
		case f.reader.life.Err() != nil:
			return wire.ErrClientClosed()
		case ctx.Err() != nil:
			return fmt.Errorf("read from another host, %d of %d bytes: %w", f.have, f.frame.Size, ctx.Err())
		case errors.Is(err, nats.ErrNoResponders):
			return fmt.Errorf("%w: %w: nobody answers %s on the NATS at %s: the server of that ring has ended, or came back with a new ring, or is cut off: %w",
				framebuffer.ErrTimeout, framebuffer.ErrStaleKey, wire.ReadSubject(f.frame.Key), natsconn.RedactURL(f.reader.nats.ConnectedUrl()), err)
		case errors.Is(err, nats.ErrConnectionClosed):
			return fmt.Errorf("%w: %w", wire.ErrClientClosed(), err)
		case !errors.Is(err, errPartsLost):
			return err
		case time.Since(f.moved) > f.reader.options.Patience:
			return fmt.Errorf("%w: %d of %d bytes came from another host, and then none for %v: it is cut off, or the line is too narrow for its traffic",
				framebuffer.ErrTimeout, f.have, f.frame.Size, f.reader.options.Patience)
		}
		f.reader.counters.resumed.Add(1)
	}
}

// attempt asks for what is not there yet. It returns errPartsLost when asking again may
// help.
func (f *fetch) attempt(ctx context.Context) error {
	request := nats.NewMsg(wire.ReadSubject(f.frame.Key))
	request.Data = []byte(f.frame.String())
	request.Header.Set(wire.HeaderFrom, strconv.Itoa(f.have))
	window := uint64(f.reader.options.Window)
	request.Header.Set(wire.HeaderWindow, strconv.FormatUint(window, 10))
	f.proof.ask(request)
	in, err := f.reader.requester.Request(request, window)
	if err != nil {
		return fmt.Errorf("service: %w", err)
	}
	defer in.Close()
	for f.have < f.frame.Size {
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
		if time.Since(f.moved) > f.reader.options.Patience { // an owner can say for ever that it is there
			return errPartsLost
		}
	}
	in.Done()
	return nil
}

// next waits for a part: not longer than what is left of our patience, and not longer than a
// sender that waits for us would be silent.
func (f *fetch) next(ctx context.Context, in *stream.Receiver) (stream.Part, error) {
	limit := min(f.reader.options.Patience/2, 3*time.Second)
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	p, err := in.Next(waiting)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, nats.ErrSlowConsumer) {
		return p, fmt.Errorf("%w: nothing came for %v: %w", errPartsLost, limit, err)
	}
	return p, err
}

// put puts a part where it belongs.
func (f *fetch) put(p stream.Part) error {
	if len(p.Data) > f.frame.Size-f.have {
		return fmt.Errorf("%w: another host sent more than the %d bytes of the frame", framebuffer.ErrTimeout, f.frame.Size)
	}
	if end := f.have + len(p.Data); f.own && end > len(f.dst) {
		room := min(f.frame.Size, max(end, firstRoom, 2*len(f.dst)))
		if err := shm.RoomForCopy(room); err != nil { // beside what is there
			return err
		}
		larger := make([]byte, room)
		copy(larger, f.dst[:f.have])
		f.dst = larger
	}
	f.have += copy(f.dst[f.have:], p.Data)
	f.proof.add(p.Data, p.Header)
	if len(p.Data) > 0 {
		f.moved = time.Now()
	}
	return nil
}
