package main

import (
	"errors"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/mjpeg"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// losses are frames of pub's input that were not published, by reason. The first of each is told
// while pub runs: a camera may run for days.
type losses struct {
	env *env
	pub *follow.Publisher
	of  []tally
}

// count counts a frame that was lost alone, and reports whether err is of such a kind.
func (l *losses) count(err error) bool {
	var reason, remedy string
	switch {
	case errors.Is(err, framebuffer.ErrTimeout):
		reason, remedy = "overwritten", "the input is slower than the ring is long: start the server with a larger --size"
	case errors.Is(err, mjpeg.ErrCut):
		reason, remedy = "cut", "a part of the input is missing: look at what writes it"
	case errors.Is(err, mjpeg.ErrTooLarge):
		reason, remedy = "large", "it does not fit the ring: start the server with a larger --size"
	case errors.Is(err, framebuffer.ErrServerGone) && l.pub.Follows():
		reason, remedy = "unserved", "there was no server for it"
	default:
		return false
	}
	for i := range l.of {
		if l.of[i].reason == reason {
			l.of[i].frames++
			return true
		}
	}
	l.of = append(l.of, tally{reason, 1})
	l.env.log.Warn("a frame of the input was lost ("+reason+"): "+remedy+"; more of them are counted, and told at the end",
		"framebuffer.topic", l.pub.Topic(), "error.message", trimPrefix(err.Error()))
	return true
}

// sum is how many there were.
func (l *losses) sum() (n uint64) {
	for _, one := range l.of {
		n += one.frames
	}
	return n
}
