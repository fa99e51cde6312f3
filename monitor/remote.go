package monitor

import (
	"runtime"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// RemoteReason says why a client reads frames over a network instead of from a ring.
type RemoteReason string

// The reasons.
const (
	NotOnHost    RemoteReason = "not on this host" // the frames' ring is on another host
	NotPermitted RemoteReason = "not permitted"    // the frames' ring is on this host, and this process may not attach to it
)

// CountRemote counts, with the client c, a frame that was asked for over a network: its bytes if it came
// and was verified, else a timeout. Package remote calls it for each frame.
func CountRemote(c *framebuffer.Client, reason RemoteReason, bytes int, came bool) {
	why := uint32(layout.ExternalAbsent)
	if reason == NotPermitted {
		why = layout.ExternalDenied
	}
	c.Segment().Slot.CountExternal(why, bytes, came)
	runtime.KeepAlive(c)
}
