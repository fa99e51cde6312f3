package topic

import (
	"runtime"

	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// MaxSize is the size of the largest frame that can be published with that metadata, by the
// client that wrote it, once, while nothing is held.
func (p *Publisher) MaxSize(m *Meta) int {
	defer runtime.KeepAlive(p.client)
	return topics.MaxSize(p.inside.Ring, !m.none())
}
