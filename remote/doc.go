// Package remote reads frames and topics of other hosts over NATS.
//
// A [Reader] reads a frame by its descriptor: through shared memory if this process can attach to the
// frame's ring, otherwise from its owner on another host. A [Mirror] copies a topic of another host into
// a ring of this one, where any number of processes subscribe to it. [Hosts] lists the servers of all
// hosts on a NATS.
//
// The owner's side is a [Source], which package service runs. A request for a frame or a topic is
// answered with a stream: flow-controlled by acknowledgements, and signed if the requester says so (see
// [ReaderOptions.Trust] and [MirrorOptions.Trust]). docs/hosts.md is the guide, docs/wire.md has the
// protocol.
//
// A connection to NATS comes from service.Dial or from the NATS method of a service.Client.
package remote
