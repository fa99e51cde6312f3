package framebuffer

import "github.com/core-framebuffer/framebuffer/internal/fberr"

// The errors of this package, to be compared with errors.Is. What is returned wraps one of
// them and says what was asked, what the limit is and what to do.
var (
	// ErrTimeout: the frame is gone. Its chunk was overwritten by later frames, or holds
	// something else than what the checksum was made of; [TimeoutError] says which. It is also
	// os.ErrDeadlineExceeded, and has a method Timeout() bool that reports true.
	ErrTimeout = fberr.Timeout

	// ErrBadSize: a size that is zero, negative, or beyond the chunk that is read.
	ErrBadSize = fberr.BadSize

	// ErrTooLarge: a size that no chunk of this ring can have, or beyond ClientOptions.MaxFrame.
	ErrTooLarge = fberr.TooLarge

	// ErrBadOffset: an offset that Allocate never returned for this ring. Where that cannot
	// be told from a chunk whose header was written over, the error is ErrTimeout as well.
	ErrBadOffset = fberr.BadOffset

	// ErrTooLong: more data than the chunk was allocated with.
	ErrTooLong = fberr.TooLong

	// ErrBadKey: a string that is no key, or the key of another ring than this one.
	ErrBadKey = fberr.BadKey

	// ErrStaleKey: a key whose server is gone, or out of reach from here.
	ErrStaleKey = fberr.StaleKey

	// ErrBadFrame: a text that is no frame or no checksum.
	ErrBadFrame = fberr.BadFrame

	// ErrClosed: use after Close, or of a segment whose server closed it. It is also
	// os.ErrClosed.
	ErrClosed = fberr.Closed

	// ErrServerGone: the server's process has died without closing the segment. It is also
	// ErrClosed: a dead ring behaves as a closed one.
	ErrServerGone = fberr.ServerGone

	// ErrReadOnly: writing or allocating through a client attached read-only.
	ErrReadOnly = fberr.ReadOnly

	// ErrPermission: the memory belongs to another user. It is also os.ErrPermission.
	ErrPermission = fberr.Permission

	// ErrNoMemory: the machine, the control group or a kernel limit cannot hold the ring, or the
	// copy of a frame.
	ErrNoMemory = fberr.NoMemory

	// ErrHoldLimit: more would be held than may be, or Allocate found no room between holds.
	ErrHoldLimit = fberr.HoldLimit

	// ErrCorrupt: the control object does not make sense; some process wrote over it.
	ErrCorrupt = fberr.Corrupt
)

// TimeoutError is an [ErrTimeout] with its reason: get it with [errors.As]. What the server of another
// host answers is an ErrTimeout without one: it tells a stranger no more than that there is no such frame.
type TimeoutError = fberr.TimeoutError

// Reason says why the bytes of a frame cannot be had any more.
type Reason = fberr.Reason

// The reasons of a [TimeoutError].
const (
	Overwritten = fberr.Overwritten // the ring has given the chunk's memory to later frames
	Altered     = fberr.Altered     // the bytes do not match their checksum
)
