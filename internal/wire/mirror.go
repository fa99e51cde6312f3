package wire

const (
	mirrorPrefix  = "framebuffer mirror "
	maxClientName = 64 // bytes that monitoring keeps of a client's name
)

// MirrorClientName returns the name of a client that publishes the mirror of a topic. That a topic is a
// mirror is known by it: a client of this name is attached.
func MirrorClientName(topic string) string {
	name := mirrorPrefix + topic
	return name[:min(len(name), maxClientName)]
}
