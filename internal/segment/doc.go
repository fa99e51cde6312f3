// Package segment is one process's attachment to a segment: the mapped memory, the ring and the
// control object in it, the slot that the process counts in, and what is done when it is closed.
// Packages framebuffer, topic, monitor and internal/integrity are made of it. The linter keeps all
// others from importing it.
package segment
