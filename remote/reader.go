package remote

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/stream"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// ReaderOptions are for [NewReader]. The zero value, or nil, means the defaults.
type ReaderOptions struct {
	// Attach says how to attach to rings of this host. Default: read-only. Its MaxFrame also limits
	// frames of other hosts.
	Attach *framebuffer.ClientOptions

	// Window is how many bytes of a frame may be in flight from another host, 64 KiB to 64 MiB.
	// Default: 4 MiB. A fast link with a long round trip needs its rate times its round-trip time.
	Window int

	// Patience is how long a read waits for the next bytes of a frame of another host. Default: 10 s.
	Patience time.Duration

	// Trust lists the public keys (Service.SignsAs) of servers. A frame of another host that none
	// of them has signed is ErrUntrusted, even if its checksum is right. An empty list refuses every
	// frame of another host. Frames of this host are read through shared memory and not signed.
	// Default, nil: no signature is required.
	Trust []string

	// Attached, if not nil, is asked before each read for a client that is attached to the ring with
	// that key. Known says that the reader itself has read from the ring already, so that Attached
	// need not search for a server. If it returns nil and no error, the reader attaches itself.
	Attached func(ctx context.Context, key string, known bool) (*framebuffer.Client, error)

	// CountOn, if not nil, returns the client in whose row stat and top show the reads from other
	// hosts. It may return nil. Default: these reads are not shown.
	CountOn func() *framebuffer.Client

	// Logger receives the reader's log. Default: nothing is logged.
	Logger *slog.Logger
}

// Reader reads frames of this host through shared memory and frames of other hosts over NATS. The
// frame's key decides which. Its methods may be called concurrently.
type Reader struct {
	nats    *nats.Conn
	options ReaderOptions
	log     *slog.Logger
	life    context.Context
	end     context.CancelFunc

	requester *stream.Requester
	rings     *ringCache
	counters  readerCounters

	trust    *sign.Trust
	trustErr error // ReaderOptions.Trust is not a list of keys: every read over NATS fails with this
}

// NewReader returns a reader that asks other hosts over nc, which the caller closes. [Dial] returns
// such a connection.
func NewReader(nc *nats.Conn, opts *ReaderOptions) *Reader {
	r := &Reader{nats: nc, requester: stream.NewRequester(nc)}
	r.rings = newRingCache(r.attach)
	if opts != nil {
		r.options = *opts
	}
	if r.options.Attach == nil {
		r.options.Attach = &framebuffer.ClientOptions{ReadOnly: true}
	}
	r.options.Window = max(r.options.Window, 0)
	if r.options.Patience <= 0 {
		r.options.Patience = idleTimeout
	}
	if r.log = r.options.Logger; r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.trust, r.trustErr = sign.NewTrust(r.options.Trust)
	r.life, r.end = context.WithCancel(context.Background())
	go r.detachEnded()
	return r
}

// Get returns the bytes of a frame, like [framebuffer.Client.Get]. The context bounds the read of a
// frame of another host. Such a read also fails with:
//
//   - framebuffer.ErrTimeout if the frame was overwritten, before or during the transfer; if its bytes
//     do not match its checksum; and if no bytes arrive for ReaderOptions.Patience;
//   - framebuffer.ErrTimeout and framebuffer.ErrStaleKey if no server answers for the ring: its server
//     has ended, or was restarted with a new ring, or is unreachable;
//   - framebuffer.ErrTooLarge and framebuffer.ErrNoMemory, before any byte is requested: see
//     MaxFrame of ReaderOptions.Attach;
//   - ErrBusy;
//   - ErrUntrusted, and framebuffer.ErrBadKey if ReaderOptions.Trust is not a list of keys.
func (r *Reader) Get(ctx context.Context, f framebuffer.Frame) ([]byte, error) {
	return r.read(ctx, f, nil)
}

// GetInto is Get into dst, which must have exactly the frame's size; otherwise the error is
// framebuffer.ErrBadSize. After an error dst holds zeroes or its previous bytes, never bytes of
// another frame.
func (r *Reader) GetInto(ctx context.Context, dst []byte, f framebuffer.Frame) error {
	if len(dst) != f.Size || dst == nil {
		return fmt.Errorf("%w: a buffer of %d bytes for a frame of %d", framebuffer.ErrBadSize, len(dst), f.Size)
	}
	_, err := r.read(ctx, f, dst)
	return err
}

func (r *Reader) read(ctx context.Context, f framebuffer.Frame, dst []byte) ([]byte, error) {
	src, err := r.resolve(ctx, f.Key)
	for err == nil {
		var data []byte
		if data, err = src.read(ctx, r, f, dst); err == nil {
			return data, nil
		}
		src, err = r.retry(ctx, f.Key, src, err)
	}
	return nil, err
}

// View calls look with the bytes of a frame: in place for a frame of this host, like
// [framebuffer.Client.View], otherwise in memory of this process. The bytes are valid until look
// returns and must not be written to. View calls look again if the client of the ring was closed
// under it, because the reader has read from 256 other rings meanwhile.
func (r *Reader) View(ctx context.Context, f framebuffer.Frame, look func([]byte) error) error {
	src, err := r.resolve(ctx, f.Key)
	for err == nil {
		if err = src.view(ctx, r, f, look); err == nil {
			return nil
		}
		src, err = r.retry(ctx, f.Key, src, err)
	}
	return err
}

func (r *Reader) attach(key string) (*framebuffer.Client, error) {
	client, err := framebuffer.Attach(key, r.options.Attach)
	if isRemote(err) {
		r.log.Info("frames of this ring are asked for over NATS", "framebuffer.reason", err, "messaging.destination.name", wire.ReadSubject(key))
	}
	return client, err
}

// detachEnded detaches from rings whose server has closed and that are not read from any more.
func (r *Reader) detachEnded() {
	tick := time.NewTicker(endedRingGrace)
	defer tick.Stop()
	for {
		select {
		case <-r.life.Done():
			return
		case now := <-tick.C:
			for _, ring := range r.rings.removeEnded(now.Add(-endedRingGrace)) {
				r.detach(ring)
			}
		}
	}
}

// detach closes the client of a ring that the cache has given up. Reads that use it see
// framebuffer.ErrClosed and resolve the key again.
func (r *Reader) detach(ring *cachedRing) {
	if ring.attach() != nil || ring.result.Load().client == nil {
		return
	}
	if err := ring.result.Load().client.Close(); err != nil {
		r.log.Warn("letting go of a ring failed", "error.message", err)
	}
}

// Close detaches from all rings. Reads in progress end with their result or with
// framebuffer.ErrClosed. The NATS connection stays open.
func (r *Reader) Close() error {
	r.end()
	for _, ring := range r.rings.close() {
		r.detach(ring)
	}
	r.requester.Close()
	return nil
}
