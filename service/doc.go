// Package service offers a framebuffer server over NATS, and finds it.
//
// [Serve] runs a micro service named framebuffer with the calls of the original Python library, get_key
// and allocate, with stat, and with what other hosts need. [Connect] finds the server of this host,
// attaches to its segment, and attaches again when the server was restarted.
//
//	client, err := service.Connect(ctx, nil)
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	frame, err := client.Put(data)
//
// By default Serve starts an embedded NATS server on loopback, on a port that the kernel chooses, with
// credentials that are made anew each time. Client and server meet at an abstract Unix socket that
// answers the same user only, or at a path if another user has taken that socket's name. The socket
// ends with the server's process, so that a client never finds a server that has ended. With [ServeOptions.URL]
// the service uses the user's own NATS, and with ServeOptions.NATSConfig the embedded one connects to those
// of other hosts: docs/hosts.md. Package remote reads frames and mirrors topics of other hosts, package
// record stores topics.
//
// # Protocol
//
// From a shell, with the nats command:
//
//	nats req framebuffer.get_key ''           the key
//	nats req framebuffer.allocate 1048576     an offset, in decimal; see ServeOptions.RemoteAllocate
//	nats req framebuffer.stat ''              statistics, as JSON
//
// If several servers use one NATS, any of them answers these, and the header Framebuffer-Id says which
// one did; framebuffer.ID.get_key and so on are answered by that instance only. An offset belongs to
// the key of the same server. Each server publishes its ID to framebuffer.started and
// framebuffer.stopped.
//
// An error has two headers of the micro service protocol: Nats-Service-Error-Code is one of TIMEOUT,
// BAD_SIZE, TOO_LARGE, BAD_OFFSET, TOO_LONG, BAD_KEY, STALE_KEY, BAD_FRAME, CLOSED, READ_ONLY,
// NO_PERMISSION, NO_MEMORY, CORRUPT, BUSY, NO_TOPIC, UNTRUSTED and INTERNAL, which never change;
// Nats-Service-Error is the text.
//
// # Limits
//
// A server sends at most 64 frames to other hosts at a time, and has up to 1024 more wait. Over a NATS
// that other hosts share it allocates nothing unless [ServeOptions.RemoteAllocate] permits it. Access to frames
// over NATS is controlled by NATS permissions: docs/security.md.
package service
