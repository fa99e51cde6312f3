package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Service is the micro service's name, and the first token of its subjects.
const Service = "framebuffer"

// The endpoints of one server. Each answers on two subjects: framebuffer.NAME, which all servers on
// one NATS share (one of them answers), and framebuffer.ID.NAME, which the instance of that ID alone
// answers.
const (
	EndpointKey      = "get_key"
	EndpointAllocate = "allocate"
	EndpointStat     = "stat"
	EndpointAbout    = "about"
)

// The endpoints that answer with streams. mirror has the subject framebuffer.ID.mirror; read has that
// of readSubject.
const (
	EndpointRead   = "read"
	EndpointMirror = "mirror"
)

// The endpoints that find servers. Every server of that name, or with that topic, answers: of many
// thousands of servers only those that are meant send something.
const (
	EndpointAt     = "at"     // framebuffer.at.NAME; the request is a topic's name or empty
	EndpointOrigin = "origin" // framebuffer.origin; the request is a topic's name
)

// A server publishes its instance's ID to these subjects when it has started and when it stops.
const (
	StartedSubject = Service + ".started"
	StoppedSubject = Service + ".stopped"
)

// Members of a micro service's metadata: the server's and the host's name.
const (
	MetaName = "name"
	MetaHost = "host"
)

// SharedSubject is the subject of an endpoint on which any server answers.
func SharedSubject(endpoint string) string { return Service + "." + endpoint }

// OwnSubject is the subject of an endpoint on which one server answers: the instance of that ID.
func OwnSubject(id, endpoint string) string { return Service + "." + id + "." + endpoint }

// AtSubject is the subject on which servers of that name, or on a host of that name, answer. Names
// may contain dots, which would begin a new token.
func AtSubject(name string) string {
	return SharedSubject(EndpointAt) + "." + strings.ReplaceAll(name, ".", "_")
}

// ReadSubject is the subject to which the frames of a key's ring are requested. It contains a hash of
// the key: a key is a credential, and subjects appear in logs and permissions.
func ReadSubject(key string) string {
	sum := sha256.Sum256([]byte(key))
	return SharedSubject(EndpointRead) + "." + hex.EncodeToString(sum[:16])
}
