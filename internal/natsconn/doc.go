// Package natsconn connects a framebuffer server and its clients to NATS.
//
// A server listens on a rendezvous socket (Listen), whose address follows from its user and its name.
// A client of the same user connects to that socket (Find) and receives an Access: the address of the
// server's NATS and a login. The NATS is one of the user's own, or one that the server runs in its own
// process (StartEmbedded). A Dialer follows an embedded NATS to its next port and password when the
// server was restarted.
//
// RequestMany sends one request that any number of servers may answer.
package natsconn
