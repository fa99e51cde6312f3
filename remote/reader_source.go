package remote

import (
	"context"
	"errors"
	"fmt"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// source reads the frames of one ring. It is an attachedRing or a remoteRing.
type source interface {
	// read returns the bytes of a frame. It writes them to dst if that is not nil; dst then has the
	// frame's size.
	read(ctx context.Context, r *Reader, f framebuffer.Frame, dst []byte) ([]byte, error)

	// view calls look with the bytes of a frame, which are valid until look returns.
	view(ctx context.Context, r *Reader, f framebuffer.Frame, look func([]byte) error) error
}

// attachedRing is a ring of this host.
type attachedRing struct{ client *framebuffer.Client }

func (s attachedRing) read(_ context.Context, r *Reader, f framebuffer.Frame, dst []byte) (data []byte, err error) {
	if data = dst; dst == nil {
		data, err = s.client.Get(f)
	} else {
		err = s.client.ReadInto(dst, f.Offset, f.Checksum)
	}
	r.countLocal(f, err)
	return data, err
}

func (s attachedRing) view(_ context.Context, r *Reader, f framebuffer.Frame, look func([]byte) error) error {
	err := s.client.View(f, look)
	r.countLocal(f, err)
	return err
}

// remoteRing is a ring that this process cannot attach to. Its owner is asked for frames over NATS.
type remoteRing struct{ why error }

func (s remoteRing) read(ctx context.Context, r *Reader, f framebuffer.Frame, dst []byte) ([]byte, error) {
	data, err := r.fetch(ctx, f, dst)
	r.countRemote(f, s.why, err)
	if errors.Is(err, framebuffer.ErrStaleKey) {
		err = fmt.Errorf("%w (and its ring cannot be attached to from here: %w)", err, textOnly{s.why})
	}
	return data, err
}

func (s remoteRing) view(ctx context.Context, r *Reader, f framebuffer.Frame, look func([]byte) error) error {
	data, err := s.read(ctx, r, f, nil)
	if err != nil {
		return err
	}
	return look(data)
}

// textOnly hides an error from errors.Is and errors.As, so that the reason why a ring is remote is
// not taken for the error of the read.
type textOnly struct{ error }

// resolve returns the source of a ring's frames. The first call for a ring attaches to it.
func (r *Reader) resolve(ctx context.Context, key string) (source, error) {
	if r.options.Attached != nil {
		if client, err := r.options.Attached(ctx, key, r.rings.has(key)); client != nil || err != nil {
			return attachedRing{client}, err
		}
	}
	ring, evicted := r.rings.get(key)
	if ring == nil {
		return nil, wire.ErrClientClosed()
	}
	for _, one := range evicted {
		r.detach(one)
	}
	if err := ring.attach(); err != nil {
		r.rings.remove(ring) // the next read tries again
		return nil, err
	}
	return ring.result.Load().source, nil
}

// retry returns the source to use after a read failed with err. It returns err itself unless the
// read failed because the source's client was closed meanwhile, by an eviction or because its server
// was replaced.
func (r *Reader) retry(ctx context.Context, key string, failed source, err error) (source, error) {
	if _, attached := failed.(attachedRing); !attached || !errors.Is(err, framebuffer.ErrClosed) || r.life.Err() != nil {
		return nil, err
	}
	next, resolveErr := r.resolve(ctx, key)
	if resolveErr != nil {
		return nil, resolveErr
	}
	if next == failed {
		return nil, err
	}
	return next, nil
}
