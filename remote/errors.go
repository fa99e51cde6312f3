package remote

import "github.com/core-framebuffer/framebuffer/internal/wire"

// Errors beside those of package framebuffer.
var (
	// ErrBusy says that a server already sends as many frames or topics to other hosts as it accepts.
	// A later attempt may succeed.
	ErrBusy = wire.ErrBusy

	// ErrNoTopic says that a host has no topic of that name, or only a mirror.
	ErrNoTopic = wire.ErrNoTopic

	// ErrNoServer says that no server answers on the NATS, or none of that name.
	ErrNoServer = wire.ErrNoServer

	// ErrTooMany says that a list of servers is incomplete: more servers answered than a client
	// accepts, or their answers have more bytes.
	ErrTooMany = wire.ErrTooMany

	// ErrUntrusted says that what another host sent is not signed by a server with a trusted key, or is
	// not what that server signed. Nothing of it is returned, and it is not requested again.
	ErrUntrusted = wire.ErrUntrusted
)
