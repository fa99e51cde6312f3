package service

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// serviceName is the micro service's name, and the first token of its subjects.
const serviceName = "framebuffer"

// The endpoints of one server. Each answers on two subjects: framebuffer.NAME, which all servers on
// one NATS share (one of them answers), and framebuffer.ID.NAME, which the instance of that ID alone
// answers.
const (
	epKey      = "get_key"
	epAllocate = "allocate"
	epStat     = "stat"
	epAbout    = "about"
)

// The endpoints that answer with streams. mirror has the subject framebuffer.ID.mirror; read has that
// of readSubject.
const (
	epRead   = "read"
	epMirror = "mirror"
)

// The endpoints that find servers. Every server of that name, or with that topic, answers: of many
// thousands of servers only those that are meant send something.
const (
	epAt     = "at"     // framebuffer.at.NAME; the request is a topic's name or empty
	epOrigin = "origin" // framebuffer.origin; the request is a topic's name
)

// A server publishes its instance's ID to these subjects when it has started and when it stops.
const (
	startedSubject = serviceName + ".started"
	stoppedSubject = serviceName + ".stopped"
)

// Members of a micro service's metadata: the server's and the host's name.
const (
	metaName = "name"
	metaHost = "host"
)

// sharedSubject is the subject of an endpoint on which any server answers.
func sharedSubject(endpoint string) string { return serviceName + "." + endpoint }

// ownSubject is the subject of an endpoint on which one server answers: the instance of that ID.
func ownSubject(id, endpoint string) string { return serviceName + "." + id + "." + endpoint }

// atSubject is the subject on which servers of that name, or on a host of that name, answer. Names
// may contain dots, which would begin a new token.
func atSubject(name string) string {
	return sharedSubject(epAt) + "." + strings.ReplaceAll(name, ".", "_")
}

// readSubject is the subject to which the frames of a key's ring are requested. It contains a hash of
// the key: a key is a credential, and subjects appear in logs and permissions.
func readSubject(key string) string {
	sum := sha256.Sum256([]byte(key))
	return sharedSubject(epRead) + "." + hex.EncodeToString(sum[:16])
}
