// Package framebuffer hands big payloads (video frames, tensors, images, point clouds) from process
// to process and from container to container on one host, through shared memory. Each read compares
// the bytes with their checksum.
//
// # Concepts
//
// A [Server] owns a segment: a ring of memory and a control object. It gives out a key. A [Client]
// attaches with the key, in the same process or in another one.
//
// [Client.Allocate] takes a chunk of the ring and returns its offset. [Client.Write] copies data into
// the chunk and returns a [Checksum]. The descriptor of the frame, a [Frame] of key, offset, size and
// checksum, has one or two hundred bytes. The writer sends it by any means: an RPC, a queue, a pipe.
// [Client.Read] returns the bytes, or [ErrTimeout] if the ring has overwritten them.
//
//	writer                          ring                         reader
//	Allocate(n)  ───────────▶  [ . . . . chunk . . . ]
//	Write(offset, data) ────▶  [ . . . . #####  . . . ]
//	(key, offset, size, checksum) ─────── any RPC ─────▶  Read(offset, size, checksum)
//	                           [ . . . . #####  . . . ] ────────▶ data, or ErrTimeout
//
// The ring never blocks a writer: new frames overwrite the oldest. A frame stays readable until as
// many bytes as the ring holds have been allocated after it. Choose the size of the ring by how late
// a reader may be.
//
// # In place
//
// [Client.Reserve] returns a chunk to fill in place, and [Reservation.Commit] makes a frame of it.
// [Client.View] shows a frame's bytes in place. Neither copies, and the ring goes on meanwhile.
// [Client.Hold] keeps a frame in place for a bounded time, for a reader that works on it for longer.
// Package topic publishes frames to any number of subscribers through the shared memory itself,
// without an RPC.
//
// # Guarantees
//
// A read returns exactly the bytes that were written, or an error, while other processes overwrite
// them, are killed, are stopped for an hour, or store random bytes anywhere in the memory. This
// protects against accidents and not against intent: a [Checksum] is not a cryptographic hash, and a
// process that may write to the ring can make other bytes with the same one. The writers of a ring
// are trusted. Bytes that are read in place were verified just before, and the ring did not reuse
// them; a writer that was stopped for a whole lap of the ring can still store there.
// docs/guarantees.md lists each guarantee with the test that holds it.
//
// All functions and methods may be called concurrently. No lock here is lost with a process that
// dies. The kernel says that a process has died, in every PID namespace; no timeout guesses it.
// [Client.Err] and [ErrServerGone] tell when the server has died.
//
// # Caveats
//
//   - A process that may attach for writing can spoil frames of others. Their readers detect
//     accidents; they do not detect intent, and the checksum is not a signature.
//   - With the backend memfd, the default, all processes must reach one directory or be in one
//     network namespace; with sysv, in one IPC namespace. By default they must be of one user.
//   - An attached process keeps the memory alive until it closes its client, also after the server
//     has closed or died. From then on it can only read.
//   - The memory never leaves the host. Only 64-bit Linux is supported.
//
// docs/layout.md describes the protocol for programs in other languages.
package framebuffer
