package service

import (
	"fmt"
	"os"
	"regexp"

	"github.com/nats-io/nats.go"
)

// DefaultName is the name of a server that was given none.
const DefaultName = "default"

// access is what a client on this host needs to know of a server. It travels as JSON over
// the meeting point, to the same user only.
type access struct {
	ID          string `json:"id"`  // the micro service's instance
	Key         string `json:"key"` // of the segment
	PID         int    `json:"pid"` // of the server's process
	URL         string `json:"url"` // of NATS, as nats.Connect takes it
	Embedded    bool   `json:"embedded,omitempty"`
	User        string `json:"user,omitempty"`
	Password    string `json:"password,omitempty"`
	Credentials string `json:"credentials,omitempty"` // path of a file
	Refused     string `json:"refused,omitempty"`     // instead of all the above
}

// options are the NATS options that get in with these credentials.
func (a access) options() []nats.Option {
	if a.Credentials != "" {
		return []nats.Option{nats.UserCredentials(a.Credentials)}
	}
	if a.User != "" {
		return []nats.Option{nats.UserInfo(a.User, a.Password)}
	}
	return nil
}

// meetingPoint is the abstract Unix socket of the server with that name and user. Abstract
// names belong to a network namespace and end with the process that bound them: a killed
// server leaves nothing, and a name that is taken is taken by somebody alive.
func meetingPoint(name string) (string, error) {
	name = orDefault(name)
	if !nameForm.MatchString(name) {
		return "", fmt.Errorf("service: server name %.80q: use 1 to 64 letters, digits, dots and hyphens", name)
	}
	return fmt.Sprintf("@framebuffer-%d-%s", os.Geteuid(), name), nil
}

func orDefault(name string) string {
	if name == "" {
		return DefaultName
	}
	return name
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)
