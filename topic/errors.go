package topic

import (
	"errors"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// The errors of this package beside those of package framebuffer, to be compared with
// errors.Is.
var (
	// ErrBadName: a name of a topic or group that is empty, too long, or not text.
	ErrBadName = errors.New("framebuffer: bad topic name")

	// ErrBadMeta: metadata that does not fit.
	ErrBadMeta = errors.New("framebuffer: bad metadata")

	// ErrNumber: a number that was given to a frame already, or that no frame can have.
	ErrNumber = errors.New("framebuffer: bad number of a frame")

	// ErrEnded: the topic was ended, and everything in it has been seen. It is also io.EOF.
	ErrEnded = fberr.Ended

	// ErrTopicLimit: the segment has no room for another topic or group.
	ErrTopicLimit = fberr.TopicLimit
)
