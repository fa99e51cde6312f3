package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/stream"
)

// ErrBusy says that a server has as many frames to send to other hosts as it takes on. Asking
// again later may help.
var ErrBusy = errors.New("framebuffer: too many frames are asked for")

// ReaderOptions are for NewReader. The zero value, or nil, means the defaults.
type ReaderOptions struct {
	// Attach is how to attach to rings of this host. Default: to read only. Its MaxFrame is for
	// frames of other hosts, too.
	Attach *framebuffer.ClientOptions

	// Window is how many bytes of a frame may be on the way from another host, 64 KiB to
	// 64 MiB. Default: 4 MiB. Long fast lines need more: their rate times their round trip.
	Window int

	// Patience is for how long a frame of another host may come no further. Default: 10 s.
	Patience time.Duration

	// Trust are the public keys of servers (Service.SignsAs) whose signature a frame of another
	// host must have: another is ErrUntrusted, also where its checksum is right. A list without
	// keys refuses each frame of another host. Frames of this host come through shared memory, and
	// are not signed. Default, nil: none is asked for.
	Trust []string

	// Ring is a client in whose line stat and top show what came over NATS, and why. Default:
	// nobody shows it.
	Ring *framebuffer.Client

	// Logger gets what is worth knowing. Default: nothing is logged.
	Logger *slog.Logger
}

// Reader reads frames wherever they are: of this host through shared memory, and of others
// over NATS. Which it is, the frame's key tells. Its methods may be called concurrently.
type Reader struct {
	nats    *nats.Conn
	options ReaderOptions
	log     *slog.Logger
	life    context.Context
	end     context.CancelFunc

	asker *stream.Asker
	ways  *ways
	show  func() *framebuffer.Client // the client that shows what came over NATS, or nil

	trust    *sign.Trust
	distrust error // why ReaderOptions.Trust is no list of keys: no frame comes over NATS

	local, localBytes, remote, remoteBytes, timeouts, resumed, untrusted atomic.Uint64
}

// NewReader returns a reader that asks other hosts over nc, which stays the caller's. Dial
// returns one.
func NewReader(nc *nats.Conn, opts *ReaderOptions) *Reader {
	r := &Reader{nats: nc, asker: stream.NewAsker(nc)}
	r.ways = newWays(r.attach)
	if opts != nil {
		r.options = *opts
	}
	if r.options.Attach == nil {
		r.options.Attach = &framebuffer.ClientOptions{ReadOnly: true}
	}
	r.options.Window = max(r.options.Window, 0)
	if r.options.Patience <= 0 {
		r.options.Patience = silence
	}
	if r.log = r.options.Logger; r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.show = func() *framebuffer.Client { return r.options.Ring }
	r.trust, r.distrust = sign.NewTrust(r.options.Trust)
	r.life, r.end = context.WithCancel(context.Background())
	go r.letGo()
	return r
}

// Get returns the bytes of a frame, as framebuffer.Client.Get does. With a frame of another
// host errors also are:
//
//   - framebuffer.ErrTimeout when the ring has reused it, also while it travelled; when what
//     came is not what was written; and when nothing came for as long as Patience says;
//   - framebuffer.ErrTimeout that is framebuffer.ErrStaleKey as well when nobody answers for
//     that ring: its server has ended, or came back with a new ring, or is cut off from here;
//   - framebuffer.ErrTooLarge and framebuffer.ErrNoMemory, before any of it is asked for: see
//     MaxFrame of the options of Attach;
//   - ErrBusy;
//   - ErrUntrusted with ReaderOptions.Trust, and framebuffer.ErrBadKey when that has something
//     else than keys.
func (r *Reader) Get(f framebuffer.Frame) ([]byte, error) {
	return r.GetContext(r.life, f)
}

// GetContext is Get that also ends with the context's error.
func (r *Reader) GetContext(ctx context.Context, f framebuffer.Frame) (data []byte, err error) {
	err = r.on(f, func(c *framebuffer.Client) error {
		data, err = c.Get(f)
		return err
	}, func() error {
		data, err = r.fetch(ctx, f, nil)
		return err
	})
	return data, err
}

// GetInto is Get into memory of the caller's, which must have exactly the frame's size:
// framebuffer.ErrBadSize. With an error dst holds zeroes or what it held before, never bytes
// of another frame.
func (r *Reader) GetInto(dst []byte, f framebuffer.Frame) error {
	if len(dst) != f.Size {
		return fmt.Errorf("%w: a buffer of %d bytes for a frame of %d", framebuffer.ErrBadSize, len(dst), f.Size)
	}
	return r.on(f, func(c *framebuffer.Client) error { return c.ReadInto(dst, f.Offset, f.Checksum) },
		func() error {
			_, err := r.fetch(r.life, f, dst)
			return err
		})
}

// View calls look with the bytes of a frame: in place, as framebuffer.Client.View does, if it
// is of this host, and otherwise in memory of this process's own. The slice is for use until
// look returns, and must not be written to. Look is called once more if the reader, with 256 other rings
// read from meanwhile, let go of this one under it.
func (r *Reader) View(f framebuffer.Frame, look func([]byte) error) error {
	var data []byte
	err := r.on(f, func(c *framebuffer.Client) error { return c.View(f, look) },
		func() (err error) {
			data, err = r.fetch(r.life, f, nil)
			return err
		})
	if err != nil || data == nil {
		return err
	}
	return look(data)
}

// on reads a frame one way or the other.
func (r *Reader) on(f framebuffer.Frame, here func(*framebuffer.Client) error, there func() error) error {
	for {
		w, at, err := r.way(f.Key)
		if err != nil {
			return err
		}
		if at.ring == nil {
			if err := there(); err != nil {
				if errors.Is(err, ErrUntrusted) {
					r.untrusted.Add(1)
				}
				if errors.Is(err, framebuffer.ErrTimeout) {
					r.timeouts.Add(1)
					r.tell(at.why, 0, false)
				}
				if errors.Is(err, framebuffer.ErrStaleKey) {
					err = fmt.Errorf("%w (and its ring cannot be attached to from here: %w)", err, hidden{at.why})
				}
				return err
			}
			r.remote.Add(1)
			r.remoteBytes.Add(uint64(f.Size))
			r.tell(at.why, f.Size, true)
			return nil
		}
		err = here(at.ring)
		if errors.Is(err, framebuffer.ErrClosed) && r.life.Err() == nil && !r.ways.stands(w) {
			continue // it was let go of for another ring meanwhile
		}
		if err == nil {
			r.local.Add(1)
			r.localBytes.Add(uint64(f.Size))
		}
		return err
	}
}

// tell shows people who watch what came over NATS, or did not.
func (r *Reader) tell(why error, n int, came bool) {
	ring := r.show()
	if ring == nil {
		return
	}
	word := uint32(layout.WhyAbsent)
	if errors.Is(why, framebuffer.ErrPermission) {
		word = layout.WhyDenied
	}
	ring.Segment().Slot.CountRemote(word, n, came)
	runtime.KeepAlive(ring)
}

// hidden keeps the reason for the way from being taken for what happened on it.
type hidden struct{ error }

// way returns how to read the frames of that key's ring.
func (r *Reader) way(key string) (*way, *opened, error) {
	w, surplus := r.ways.of(key)
	if w == nil {
		return nil, nil, errClientClosed()
	}
	for _, one := range surplus {
		r.drop(one)
	}
	if err := w.open(); err != nil {
		r.ways.forget(w) // it may be otherwise the next time
		return nil, nil, err
	}
	return w, w.opened.Load(), nil
}

func (r *Reader) attach(key string) (*framebuffer.Client, error) {
	ring, err := framebuffer.Attach(key, r.options.Attach)
	if elsewhere(err) {
		r.log.Info("frames of this ring are asked for over NATS", "framebuffer.reason", err, "messaging.destination.name", readSubject(key))
	}
	return ring, err
}

// letGo closes rings whose server has ended, when nothing was read from them for a second: each
// keeps its memory from the next server until then.
func (r *Reader) letGo() {
	tick := time.NewTicker(afterTheEnd)
	defer tick.Stop()
	for {
		select {
		case <-r.life.Done():
			return
		case now := <-tick.C:
			for _, w := range r.ways.over(now.Add(-afterTheEnd)) {
				r.drop(w)
			}
		}
	}
}

// drop lets go of a way's ring. Who reads from it then finds that out.
func (r *Reader) drop(w *way) {
	if w.open() != nil || w.opened.Load().ring == nil {
		return
	}
	if err := w.opened.Load().ring.Close(); err != nil {
		r.log.Warn("letting go of a ring failed", "error.message", err)
	}
}

// Close lets go of the memory. Calls that are under way end with what they have or with
// framebuffer.ErrClosed. The NATS connection is left as it is.
func (r *Reader) Close() error {
	r.end()
	for _, w := range r.ways.close() {
		r.drop(w)
	}
	r.asker.Close()
	return nil
}
