package service

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/nats-io/nats.go"
)

// replies says on which subjects askers may have answers. The service publishes an answer with
// its own rights, on a subject that the asker named: on any other it would do for the asker what
// NATS forbids the asker to do, such as to ask JetStream to delete a recording, to answer for
// another server, or to ask this one.
type replies struct {
	below []string // prefixes with their dot
	log   *slog.Logger

	mu      sync.Mutex
	ignored uint64    // requests that were not answered
	said    time.Time // when the log last told of them
}

const (
	// commonInbox is below which NATS clients have answers, unless they are told otherwise.
	commonInbox = "_INBOX"

	// longestReply bounds the subject of an answer; that of nats.go has some 50 bytes.
	longestReply = 256

	// sayIgnored is how long after one line of the log on requests that were not answered
	// another may come.
	sayIgnored = time.Minute
)

var (
	// inboxForm is the form of a prefix of inboxes: one token or more, without wildcards.
	inboxForm = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

	// imported are the subjects that a NATS server makes for the answer to a request of another
	// account: a random token of the account's, one of the request's, and two more where it
	// measures. NATS servers refuse requests of clients that name such a subject.
	imported = regexp.MustCompile(`^_R_\.[0-9A-Za-z]+\.[0-9A-Za-z]+(\.[0-9A-Za-z]+\.T)?$`)

	// gated is what a NATS server puts before the subject of an answer that has to go back
	// through a gateway: hashes of a cluster and of a server. What is behind it is where the
	// answer ends up.
	gated = regexp.MustCompile(`^_GR_\.[0-9A-Za-z]{6}\.[0-9A-Za-z]{6}\.`)
)

// newReplies takes the prefixes of a configuration beside the common one.
func newReplies(cfg Config, log *slog.Logger) (*replies, error) {
	r := &replies{below: []string{commonInbox + "."}, log: log}
	if err := checkOwnInbox(cfg.InboxPrefix); err != nil {
		return nil, err
	}
	more := cfg.AskerInboxes
	if cfg.InboxPrefix != "" {
		more = append([]string{cfg.InboxPrefix}, more...)
	}
	for _, p := range more {
		if err := checkInbox(p); err != nil {
			return nil, err
		}
		r.below = append(r.below, p+".")
	}
	return r, nil
}

// checkInbox refuses prefixes of inboxes that cannot be, or that lead to where something else
// than an asker listens.
func checkInbox(prefix string) error {
	if !inboxForm.MatchString(prefix) || len(prefix) > longestReply/2 {
		return fmt.Errorf("service: inbox prefix %.80q: use letters, digits, _ and -, in tokens with dots between them, %d bytes at most, such as _INBOX_alice", prefix, longestReply/2)
	}
	first, _, _ := strings.Cut(prefix, ".")
	if strings.HasPrefix(first, wire.Service) || first == "_R_" || first == "_GR_" {
		return fmt.Errorf("service: inbox prefix %q: servers and NATS itself listen there: use another, such as _INBOX_alice", prefix)
	}
	return nil
}

// checkOwnInbox is checkInbox of a prefix that may be none.
func checkOwnInbox(prefix string) error {
	if prefix == "" {
		return nil
	}
	return checkInbox(prefix)
}

// allow reports whether an answer may go to that subject.
func (r *replies) allow(subject string) bool {
	if len(subject) > longestReply || !literal(subject) {
		return false
	}
	subject = subject[len(gated.FindString(subject)):]
	if imported.MatchString(subject) {
		return true
	}
	for _, p := range r.below {
		if strings.HasPrefix(subject, p) {
			return true
		}
	}
	return false
}

// literal reports whether a subject is one that a message can be published to: tokens that are
// not empty, and no wildcards or white space.
func literal(subject string) bool {
	if strings.ContainsFunc(subject, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '*' || c == '>' }) {
		return false
	}
	return subject != "" && subject[0] != '.' && subject[len(subject)-1] != '.' && !strings.Contains(subject, "..")
}

// only has do take the requests whose answers may go where their askers want them.
func (r *replies) only(do nats.MsgHandler) nats.MsgHandler {
	return func(m *nats.Msg) {
		if r.allow(m.Reply) {
			do(m)
			return
		}
		r.ignore(m.Subject, m.Reply)
	}
}

// ignore counts a request that is not answered, and tells of it from time to time.
func (r *replies) ignore(subject, reply string) {
	r.mu.Lock()
	r.ignored++
	n, late := r.ignored, time.Since(r.said) >= sayIgnored
	if late {
		r.said = time.Now()
	}
	r.mu.Unlock()
	if !late {
		return
	}
	r.log.Warn("a request is not answered: its reply subject is none of an inbox; askers with inboxes of their own prefix need it among the server's",
		"messaging.destination.name", subject, "framebuffer.reply", reply[:min(len(reply), longestReply)], "framebuffer.ignored", n)
}
