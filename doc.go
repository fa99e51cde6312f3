// Package framebuffer hands big payloads (video frames, tensors, images, point clouds) from
// process to process and container to container on one host, through shared memory, and
// compares what arrives with its checksum.
//
// # Concepts
//
// A Server owns a segment: a ring of memory, and beside it a control object. It gives out a
// key. A Client attaches with the key, in the same or any other process.
//
// Allocate takes a chunk of the ring and returns its offset. Write copies data into the
// chunk and returns a Checksum. The descriptor, a Frame of key, offset, size and checksum,
// is a hundred bytes or two and travels by whatever means there are: RPC, a queue, a pipe.
// Read turns it back into the bytes, or returns ErrTimeout, because the ring has gone round
// and the place belongs to a later frame.
//
//	writer                          ring                         reader
//	Allocate(n)  ───────────▶  [ . . . . chunk . . . ]
//	Write(offset, data) ────▶  [ . . . . #####  . . . ]
//	(key, offset, size, checksum) ─────── any RPC ─────▶  Read(offset, size, checksum)
//	                           [ . . . . #####  . . . ] ────────▶ data, or ErrTimeout
//
// The ring never blocks a writer: the oldest frames are overwritten. A frame stays readable
// until as many bytes as the ring holds have been allocated after it; choose the ring's
// size by how late a reader may be.
//
// # In place
//
// Reserve gives a chunk to fill in place, and Commit makes it a frame; View shows a frame's
// bytes in place. Neither copies. The ring goes on meanwhile; Hold keeps a frame where it is
// for a bounded time, for readers that work on it for longer. Package topic passes frames on
// inside the shared memory itself, to any number of subscribers, with no RPC at all.
//
// # Guarantees
//
// A read returns exactly the bytes that were written, or an error, while other processes overwrite
// them, are killed, are stopped for an hour, or store random bytes all over the memory. That holds
// against accidents. A [Checksum] is not a cryptographic hash: a process that may write to the ring
// can make other bytes that have it, so the writers of a ring are trusted. Bytes in place were
// checked the moment before, and the ring did not reuse them: a process that was stopped for a whole
// lap can still store there. docs/guarantees.md lists what is promised and which test holds each line.
//
// Everything may be called concurrently. Nothing here takes a lock that another process
// could die with. That another process died is what the kernel says, in any PID namespace, and never
// a guess from time: [Client.Err] and [ErrServerGone] tell when it was the server's.
//
// # Caveats
//
//   - Any process that can attach for writing can spoil frames of others. Their readers notice
//     accidents and cannot prevent them; they do not notice intent. The checksum is no signature.
//   - With the backend memfd, the default, all processes must reach one directory or be in one
//     network namespace; with sysv, in one IPC namespace. By default they must be of one user.
//   - A process that attaches keeps the memory alive until it closes, also after the server has
//     closed or died: then it can read, and no more.
//   - The memory never leaves the host, and only 64-bit Linux is supported.
//
// The protocol is written down for other languages in docs/layout.md.
package framebuffer
