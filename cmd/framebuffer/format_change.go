package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/core-framebuffer/framebuffer/topic"
)

// errChanged means that the frames of a topic changed their size or format.
var errChanged = errors.New("the frames changed")

// kind detects a change of the frames' size or format. A program that reads concatenated raw frames
// cannot see it in the bytes.
type kind struct {
	env    *env
	strict bool
	topic  string
	last   *topic.Meta
	warned bool
}

// see checks the next message. The first change is logged; with strict it is an error.
func (k *kind) see(m *topic.Message) error {
	was := k.last
	now := m.Meta
	k.last = &now
	if was == nil || sameKind(was, &now) {
		return nil
	}
	if k.strict {
		return fmt.Errorf("%w: topic %q has %s from sequence %d on, and had %s before", errChanged, k.topic, kindText(&now), m.Sequence, kindText(was))
	}
	if !k.warned {
		k.warned = true
		k.env.log.Warn("the frames changed from "+kindText(was)+" to "+kindText(&now)+
			": the reading program must know; later changes are not reported (--strict ends at a change, --json shows each)",
			"framebuffer.topic", k.topic, "framebuffer.sequence", m.Sequence)
	}
	return nil
}

// sameKind ignores the user's own metadata, which may differ for each frame.
func sameKind(a, b *topic.Meta) bool {
	return a.ContentType == b.ContentType && a.Width == b.Width && a.Height == b.Height && a.Format == b.Format && slices.Equal(a.Shape, b.Shape)
}

// kindText formats the kind of frames, such as "640x480 rgb24 video/raw".
func kindText(m *topic.Meta) string {
	var all []string
	if m.Width > 0 || m.Height > 0 {
		all = append(all, fmt.Sprintf("%dx%d", m.Width, m.Height))
	}
	if len(m.Shape) > 0 {
		all = append(all, strings.Trim(fmt.Sprint(m.Shape), "[]"))
	}
	for _, s := range []string{m.Format, m.ContentType} {
		if s != "" {
			all = append(all, text(s))
		}
	}
	if len(all) == 0 {
		return "frames without metadata"
	}
	return strings.Join(all, " ")
}
