package framebuffer

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/segment"
	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// Client is a process attached to a segment. Its methods may be called concurrently; the
// slices they take and return are the caller's. Those that lie in shared memory are handed
// out by Reserve, View and Hold alone, which say how long they may be used.
type Client struct {
	segment  *segment.Segment
	verify   bool
	maxFrame int // 0: no other limit than memory
}

// Attach maps the segment that a key names. It returns ErrBadKey for a string that is not a
// key, ErrStaleKey when its server is gone or the memory is out of reach from this
// container, ErrPermission, ErrNoMemory, or ErrCorrupt. Nil options mean defaults.
//
// A key never attaches to anything but the segment it was made for.
func Attach(keyText string, opts *ClientOptions) (*Client, error) {
	if opts == nil {
		opts = &ClientOptions{}
	}
	name := opts.Name
	if name == "" {
		name = filepath.Base(os.Args[0])
	}
	s, err := segment.Attach(keyText, segment.AttachOptions{ReadOnly: opts.ReadOnly, Unlisted: opts.Unlisted, Name: name, Logger: opts.Logger})
	if err != nil {
		return nil, err
	}
	warnOfKernel(opts.Logger)
	return &Client{segment: s, verify: !opts.Unverified, maxFrame: opts.MaxFrame}, nil
}

// Key returns the key this client attached with.
func (c *Client) Key() string { return c.segment.Key() }

// Allocate does what Server.Allocate does, from here: no call to the server is made. It
// also returns ErrReadOnly.
func (c *Client) Allocate(size int) (offset uint64, err error) {
	if c.segment.ReadOnly {
		return 0, c.denied("allocate")
	}
	return allocate(c.segment, size)
}

func allocate(s *segment.Segment, size int) (uint64, error) {
	offset, _, err := s.Allocate(size, s.Clock.Coarse())
	return offset, err
}

// Write copies data into the chunk at offset, which this or any other process allocated
// with at least len(data) bytes, and returns its checksum. Writing the same chunk again is
// allowed and ends earlier descriptors of it. Two writers of one chunk at the same time
// leave a mixture that no descriptor matches.
//
// It returns ErrBadOffset, ErrTooLong, ErrReadOnly, ErrClosed, and ErrTimeout when the ring
// has reused the chunk before the last byte was in; it looks after every 64 KiB and stops.
func (c *Client) Write(offset uint64, data []byte) (Checksum, error) {
	if c.segment.ReadOnly {
		return 0, c.denied("write")
	}
	s := c.segment
	if err := s.CheckOpen(); err != nil {
		return 0, err
	}
	place, err := s.Ring.Writable(offset, len(data))
	if err != nil {
		return 0, s.Fail(err)
	}
	// Not afterwards: an atomic addition waits until all stores before it have arrived, and
	// these go to memory that no cache has.
	s.Slot.Count(layout.Writes, layout.WrittenBytes, offset, len(data))
	sum, err := s.Ring.Copy(place, offset, data)
	if err != nil || s.Closed() {
		return 0, s.Fail(err)
	}
	return Checksum(sum), nil
}

// Read returns the size bytes that were written at offset and have that checksum, in a
// slice of its own. It returns ErrTimeout when the ring has reused the chunk or the bytes
// are not those, ErrBadOffset, ErrBadSize for a size that is negative or beyond the chunk,
// ErrTooLarge for one beyond ClientOptions.MaxFrame, ErrNoMemory for one that this process has no
// memory for, and ErrClosed after this client's Close. It works on after the server's Close.
func (c *Client) Read(offset uint64, size int, sum Checksum) ([]byte, error) {
	if size < 0 || size > c.segment.Ring.MaxSize() {
		return nil, fmt.Errorf("%w: asked to read %d bytes; a chunk of this ring has 0 to %d", ErrBadSize, size, c.segment.Ring.MaxSize())
	}
	if err := c.mayCopy(offset, size); err != nil {
		return nil, err
	}
	data := shm.Uncleared(size)
	if err := c.ReadInto(data, offset, sum); err != nil {
		return nil, err
	}
	return data, nil
}

// lookFirst is from how many bytes on the chunk is looked at before memory is taken for what a
// descriptor says.
const lookFirst = 1 << 20

// mayCopy returns why no memory is taken for a frame of that size. The descriptor may come from
// anywhere, and so may the ring.
func (c *Client) mayCopy(offset uint64, size int) error {
	s := c.segment
	if c.maxFrame > 0 && size > c.maxFrame {
		return fmt.Errorf("%w: the frame has %d bytes, and this client takes %d: raise its MaxFrame (get --max-size), or read the frame in place (View, Hold)", ErrTooLarge, size, c.maxFrame)
	}
	if size < lookFirst {
		return nil
	}
	if err := s.CheckOpen(); err != nil {
		return err
	}
	if err := s.Ring.Check(offset, size); err != nil {
		return s.Fail(err)
	}
	return shm.RoomForCopy(size)
}

// ReadInto is Read into memory of the caller's: exactly len(dst) bytes, and nothing is
// allocated. With an error dst holds zeroes or what it held before, never bytes of another
// frame.
func (c *Client) ReadInto(dst []byte, offset uint64, sum Checksum) error {
	s := c.segment
	if err := s.CheckOpen(); err != nil {
		return err
	}
	if err := s.Ring.Read(dst, offset, uint64(sum)); err != nil {
		return s.Fail(err)
	}
	s.Slot.Count(layout.Reads, layout.ReadBytes, offset, len(dst))
	return nil
}

// Put allocates, writes and returns the descriptor to send on. Empty data cannot be put:
// ErrBadSize. Other errors are those of Allocate and Write.
func (c *Client) Put(data []byte) (Frame, error) {
	offset, err := c.Allocate(len(data))
	if err != nil {
		return Frame{}, err
	}
	sum, err := c.Write(offset, data)
	if err != nil {
		return Frame{}, err
	}
	return Frame{Key: c.Key(), Offset: offset, Size: len(data), Checksum: sum}, nil
}

// Get returns the bytes of a frame, as Read does. It returns ErrBadKey when the frame lies
// in another ring than this client is attached to.
func (c *Client) Get(f Frame) ([]byte, error) {
	if err := c.ours(f); err != nil {
		return nil, err
	}
	return c.Read(f.Offset, f.Size, f.Checksum)
}

// Segment returns the attachment behind the client. It is for package topic, package monitor and
// the segment's checks in this module, which work on the shared memory itself; no other package can
// import its type. It is valid for as long as the client is.
func (c *Client) Segment() *segment.Segment { return c.segment }

// Err returns nil while the client can allocate and write. It returns ErrClosed after
// [Client.Close] and after the server's [Server.Close], ErrServerGone when the server's process
// has died, and ErrCorrupt when the memory is damaged. It makes no system call. Reads, views and
// holds go on after ErrServerGone and after the server's Close.
func (c *Client) Err() error {
	s := c.segment
	err := s.Ring.CheckOpen()
	if own := s.CheckUsable(); own != nil {
		return own
	}
	return err
}

// Intact reports whether a frame's chunk has not been overwritten, nor this client closed. It does not
// look at the bytes: [Client.View] and [Client.Get] compare them with the checksum.
func (c *Client) Intact(f Frame) bool {
	return f.Key == c.Key() && c.segment.Ring.Intact(f.Offset) && !c.segment.Closed()
}

// ChunkSize returns how many bytes the chunk at offset was allocated with, and false if there is no
// such chunk, or none any more.
func (c *Client) ChunkSize(offset uint64) (size int, ok bool) {
	chunk, ok := c.segment.Ring.Header(offset)
	return int(chunk.Size), ok && !c.segment.Closed()
}

// MaxSize is the size of the largest chunk that the ring can have.
func (c *Client) MaxSize() int { return c.segment.Ring.MaxSize() }

// Stats returns the segment's figures at this moment; after Close, zeroes.
func (c *Client) Stats() Stats { return stats(c.segment) }

// Close lets go of the segment at once. Calls that are under way on other goroutines end
// with what they have or with ErrClosed. Closing again does nothing.
func (c *Client) Close() error { return c.segment.Close() }

// ours is ErrBadKey for a frame of another ring.
func (c *Client) ours(f Frame) error {
	if f.Key == c.Key() {
		return nil
	}
	return fmt.Errorf("%w: the frame lies in the ring of %q, this client is attached to %q: attach with the frame's key", ErrBadKey, fberr.Clip(f.Key), c.Key())
}

func (c *Client) denied(what string) error {
	return fmt.Errorf("%w: this client attached with ReadOnly and cannot %s: attach without it", ErrReadOnly, what)
}
