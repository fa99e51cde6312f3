package natsconn

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// Replies decides on which subjects requesters may have answers. A server publishes an answer with
// its own rights, on a subject that the requester named. On any other subject it would do for the
// requester what NATS forbids the requester to do: ask JetStream to delete a recording, answer for
// another server, or make a request to this one.
type Replies struct {
	prefixes []string // of inboxes, with the dot at the end
	log      *slog.Logger

	mu      sync.Mutex
	ignored uint64    // requests that were not answered
	logged  time.Time // when they were last logged
}

const (
	// commonInbox is the prefix of inboxes that NATS clients use unless they are told otherwise.
	commonInbox = "_INBOX"

	// maxReply is how long the subject of an answer may be. That of nats.go has some 50 bytes.
	maxReply = 256

	// ignoredLogInterval is how long after one line of the log about requests that were not
	// answered another may come.
	ignoredLogInterval = time.Minute
)

var (
	// inboxForm is the form of a prefix of inboxes: one token or more, without wildcards.
	inboxForm = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

	// importedReply is the form of the subjects that a NATS server makes for the answer to a
	// request of another account: a random token of the account's, one of the request's, and two
	// more if the server measures the latency. NATS servers refuse requests of clients that name
	// such a subject.
	importedReply = regexp.MustCompile(`^_R_\.[0-9A-Za-z]+\.[0-9A-Za-z]+(\.[0-9A-Za-z]+\.T)?$`)

	// gatewayPrefix is what a NATS server puts before the subject of an answer that has to return
	// through a gateway: hashes of a cluster and of a server. The rest is the subject on which the
	// answer arrives.
	gatewayPrefix = regexp.MustCompile(`^_GR_\.[0-9A-Za-z]{6}\.[0-9A-Za-z]{6}\.`)
)

// NewReplies allows inboxes with the common prefix, with the own prefix of a server, which may be
// "", and with further prefixes.
func NewReplies(own string, more []string, log *slog.Logger) (*Replies, error) {
	r := &Replies{prefixes: []string{commonInbox + "."}, log: log}
	if err := CheckInboxPrefix(own); err != nil {
		return nil, err
	}
	if own != "" {
		more = append([]string{own}, more...)
	}
	for _, p := range more {
		if err := checkInbox(p); err != nil {
			return nil, err
		}
		r.prefixes = append(r.prefixes, p+".")
	}
	return r, nil
}

// CheckInboxPrefix returns an error for a prefix of inboxes that is not valid, or to which servers
// or NATS itself listen. "" means the common prefix.
func CheckInboxPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	return checkInbox(prefix)
}

func checkInbox(prefix string) error {
	if !inboxForm.MatchString(prefix) || len(prefix) > maxReply/2 {
		return fmt.Errorf("framebuffer: inbox prefix %.80q: use letters, digits, _ and -, in tokens with dots between them, %d bytes at most, such as _INBOX_alice", prefix, maxReply/2)
	}
	first, _, _ := strings.Cut(prefix, ".")
	if strings.HasPrefix(first, wire.Service) || first == "_R_" || first == "_GR_" {
		return fmt.Errorf("framebuffer: inbox prefix %q: servers and NATS itself listen there: use another, such as _INBOX_alice", prefix)
	}
	return nil
}

// Allow reports whether an answer may be published to a subject.
func (r *Replies) Allow(subject string) bool {
	if len(subject) > maxReply || !isLiteral(subject) {
		return false
	}
	subject = subject[len(gatewayPrefix.FindString(subject)):]
	if importedReply.MatchString(subject) {
		return true
	}
	for _, p := range r.prefixes {
		if strings.HasPrefix(subject, p) {
			return true
		}
	}
	return false
}

// isLiteral reports whether a message can be published to a subject: its tokens are not empty, and
// it has neither wildcards nor white space.
func isLiteral(subject string) bool {
	if strings.ContainsFunc(subject, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '*' || c == '>' }) {
		return false
	}
	return subject != "" && subject[0] != '.' && subject[len(subject)-1] != '.' && !strings.Contains(subject, "..")
}

// Only returns a handler that calls handle for the requests whose reply subject is allowed.
func (r *Replies) Only(handle nats.MsgHandler) nats.MsgHandler {
	return func(m *nats.Msg) {
		if r.Allow(m.Reply) {
			handle(m)
			return
		}
		r.ignore(m.Subject, m.Reply)
	}
}

// ignore counts a request that is not answered, and logs such requests from time to time.
func (r *Replies) ignore(subject, reply string) {
	r.mu.Lock()
	r.ignored++
	n, log := r.ignored, time.Since(r.logged) >= ignoredLogInterval
	if log {
		r.logged = time.Now()
	}
	r.mu.Unlock()
	if !log {
		return
	}
	r.log.Warn("a request is not answered: its reply subject is none of an inbox; askers with inboxes of their own prefix need it among the server's",
		"messaging.destination.name", subject, "framebuffer.reply", reply[:min(len(reply), maxReply)], "framebuffer.ignored", n)
}

// requestInfo is the header in which a NATS server names the account, and, if accounts share that,
// the user of a request that came from another account.
const requestInfo = "Nats-Request-Info"

// Requester identifies the sender of a request with an allowed reply subject, as far as possible.
// NATS vouches for accounts, and for a user that may use inboxes of one prefix only, such as
// _INBOX.alice. Any other requester can choose a new inbox at any time, and then counts as another
// requester.
func (r *Replies) Requester(m *nats.Msg) string {
	reply := m.Reply[len(gatewayPrefix.FindString(m.Reply)):]
	if importedReply.MatchString(reply) {
		// The NATS server has replaced the header if the requester had set it.
		var from struct {
			Account string `json:"acc"`
			User    string `json:"user"`
		}
		_ = json.Unmarshal([]byte(m.Header.Get(requestInfo)), &from) // invalid headers count as one requester
		return fmt.Sprintf("account %.128q %.128q", from.Account, from.User)
	}
	for _, p := range r.prefixes[1:] {
		if strings.HasPrefix(reply, p) {
			return "inbox " + p
		}
	}
	token, _, _ := strings.Cut(strings.TrimPrefix(reply, r.prefixes[0]), ".")
	return "inbox " + r.prefixes[0] + token
}
