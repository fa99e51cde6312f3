package main

import (
	"errors"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/mjpeg"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// losses counts the frames of pub's input that were not published, by reason. It logs the first of
// each reason at once, because pub may run for days.
type losses struct {
	env *env
	pub *follow.Publisher
	of  []tally
}

// count counts a lost frame, and reports whether err means that: if not, pub cannot continue.
func (l *losses) count(err error) bool {
	var reason, remedy string
	switch {
	case errors.Is(err, framebuffer.ErrTimeout):
		reason, remedy = "overwritten", "the frame was overwritten while its input came in: start the server with a larger --size"
	case errors.Is(err, mjpeg.ErrCut):
		reason, remedy = "cut", "the picture is incomplete: check the program that writes the input"
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
	l.env.log.Warn("a frame of the input was lost ("+reason+"): "+remedy+"; further ones are counted, and reported at the end",
		"framebuffer.topic", l.pub.Topic(), "error.message", trimPrefix(err.Error()))
	return true
}

// sum returns the number of all lost frames.
func (l *losses) sum() (n uint64) {
	for _, one := range l.of {
		n += one.frames
	}
	return n
}
