// Package hosts runs hosts: processes with a ring and a NATS server each, in network and
// IPC namespaces of their own that are joined by veth pairs and a bridge, so that links can be
// taken down, lines made slow and torn (by toxiproxy), and whatever runs be killed. It is a
// module of its own for the sake of what it needs. It takes root: make hosts.
package hosts
