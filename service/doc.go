// Package service puts the seed's three calls on NATS: a micro service named framebuffer
// with the endpoints get_key, allocate, stat and about, and a client that finds the server on this
// host by itself, attaches, and attaches again when the server was restarted.
//
// By default Serve starts an embedded NATS server on loopback, on a port of the system's
// choice, with credentials made anew each time. Client and server meet through an abstract
// Unix socket that only lets the same user in, or at a path where another user has taken the name of
// that; it lives and dies with the server's process,
// so nothing stale is ever found and nothing is left behind. With Config.URL the service
// runs on the user's own NATS instead, and with Config.NATSConfig the embedded one joins
// those of other hosts: docs/hosts.md. Recorder and Player keep topics in JetStream and publish
// them again: docs/recording.md.
//
// From a shell, with the nats command:
//
//	nats req framebuffer.get_key ''           the key
//	nats req framebuffer.allocate 1048576     an offset, in decimal; see Config.RemoteAllocate
//	nats req framebuffer.stat ''              figures, as JSON
//
// On a NATS with several servers any of them answers these, and its header Framebuffer-Id says
// which did; framebuffer.ID.get_key and so on ask that one. An offset belongs to the key of the
// same server. Each server says framebuffer.started and framebuffer.stopped, with its id.
//
// Errors come as the micro service protocol has them, in the headers Nats-Service-Error-Code, one
// of the words TIMEOUT, BAD_SIZE, TOO_LARGE, BAD_OFFSET, TOO_LONG, BAD_KEY, STALE_KEY, BAD_FRAME,
// CLOSED, READ_ONLY, NO_PERMISSION, NO_MEMORY, CORRUPT, BUSY, NO_TOPIC, UNTRUSTED and INTERNAL,
// which never change, and Nats-Service-Error, the text for people.
package service
