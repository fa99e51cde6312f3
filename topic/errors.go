package topic

import (
	"errors"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// The errors of this package beside those of package framebuffer. Compare with [errors.Is].
var (
	// ErrBadName: the name of a topic or group is empty, too long, or not text.
	ErrBadName = errors.New("framebuffer: bad topic name")

	// ErrBadMeta: the metadata is longer than its limits.
	ErrBadMeta = errors.New("framebuffer: bad metadata")

	// ErrSequence: another frame has that sequence number already, or no frame can have it.
	ErrSequence = errors.New("framebuffer: bad number of a frame")

	// ErrEnded: the topic has ended. A subscription returns it after the last message. It is also io.EOF.
	ErrEnded = fberr.Ended

	// ErrTopicLimit: the segment has no room for another topic or group.
	ErrTopicLimit = fberr.TopicLimit
)
