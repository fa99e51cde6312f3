package monitor

import (
	"context"
	"runtime"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/integrity"
)

// Report is what [Check] found.
type Report = integrity.Report

// Progress says where a [Check] is. Its zero value is ready; it may be asked concurrently.
type Progress = integrity.Progress

// Check compares a client's whole segment with what the protocols leave there. Other processes may
// use the segment meanwhile. It returns the context's error if that ends first. progress may be nil.
func Check(ctx context.Context, c *framebuffer.Client, progress *Progress) (Report, error) {
	defer runtime.KeepAlive(c)
	return integrity.CheckContext(ctx, c.Segment(), progress)
}
