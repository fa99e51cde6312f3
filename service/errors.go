package service

import "github.com/core-framebuffer/framebuffer/internal/wire"

// ErrNoServer says that no server of that name and user runs on this host, or that none
// answers on the NATS that was named.
var ErrNoServer = wire.ErrNoServer
