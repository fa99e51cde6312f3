package remote

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/sign"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Host is what a server says of itself over NATS.
type Host struct {
	Host string `json:"host"` // the host's name
	Name string `json:"name"` // the server's name
	ID   string `json:"id"`   // of the server's instance: a new one at each start

	Version  string          `json:"version"`
	Capacity uint64          `json:"capacity"`              // bytes in the ring
	Written  uint64          `json:"written_bytes"`         // into the ring
	SignsAs  string          `json:"signs_as,omitempty"`    // public key that the server says it signs with
	Topics   []HostTopic     `json:"topics"`                // as many as the answer had room for
	More     int             `json:"more_topics,omitempty"` // further topics
	Mirrors  []MirrorStats   `json:"mirrors,omitempty"`     // that the server runs
	Store    *natsconn.Store `json:"jetstream,omitempty"`   // of the server's embedded NATS

	RTT        time.Duration `json:"rtt_ns,omitempty"`      // deprecated in JSON: see RTTSeconds
	RTTSeconds float64       `json:"rtt_seconds,omitempty"` // round-trip time of the request
	Err        string        `json:"error,omitempty"`       // why the host has not described itself
}

// HostTopic is what a server says of a topic.
type HostTopic struct {
	Name      string `json:"name"`
	Published uint64 `json:"published"` // frames since the topic's first
	Ended     bool   `json:"ended,omitempty"`
	Mirror    bool   `json:"mirror,omitempty"` // a mirror publishes to the topic
	Copy      bool   `json:"copy,omitempty"`   // deprecated: the same as Mirror
	Newest    int64  `json:"newest,omitempty"` // when the newest frame was published, ns since 1970; only of a topic that was asked for
}

// MarshalJSON writes an object. The capacity stands there as capacity_bytes and, for one release, as capacity.
func (h Host) MarshalJSON() ([]byte, error) {
	type members Host
	return json.Marshal(struct {
		members
		CapacityBytes uint64 `json:"capacity_bytes"`
	}{members(h), h.Capacity})
}

func (h *Host) setRTT(d time.Duration) { h.RTT, h.RTTSeconds = d, d.Seconds() }

// minTopic is how many bytes a topic takes in an answer at least.
const minTopic = len(`{"name":"t","published":0}`)

// Encode returns the host as JSON of at most limit bytes, if that is possible by leaving out topics and
// mirrors. It counts the topics that it leaves out in More.
func (h Host) Encode(limit int) ([]byte, error) {
	if n := max(limit, 0) / minTopic; n < len(h.Topics) { // no more can have room
		h.More += len(h.Topics) - n
		h.Topics = h.Topics[:n]
	}
	for {
		text, err := json.Marshal(h)
		if err != nil {
			return nil, fmt.Errorf("about: %w", err)
		}
		if len(text) <= limit || len(h.Topics)+len(h.Mirrors) == 0 {
			return text, nil
		}
		if len(h.Topics) == 0 {
			h.Mirrors = h.Mirrors[:len(h.Mirrors)/2]
			continue
		}
		n := min(len(h.Topics)-1, len(h.Topics)*limit/len(text))
		h.More += len(h.Topics) - max(n, 0)
		h.Topics = h.Topics[:max(n, 0)]
	}
}

// ParseHost parses the answer of a server that was asked to describe itself in at most limit bytes. Other
// programs may answer too: of their answers ParseHost keeps what a server can say, and at most about
// five times as many bytes as the answer has.
func ParseHost(text []byte, limit int) (h Host, err error) {
	if len(text) > limit {
		return h, fmt.Errorf("%w: it answered %d bytes, and %d were asked for at most", framebuffer.ErrTooLarge, len(text), limit)
	}
	if err := wire.CheckDense(text); err != nil {
		return h, err
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return Host{}, fmt.Errorf("remote: an answer of %d bytes is not a server's: %w", len(text), err)
	}
	if err := h.clean(); err != nil {
		return Host{}, fmt.Errorf("remote: an answer is not a server's: %w", err)
	}
	return h, nil
}

// clean shortens texts, and returns an error for what no server says. Whether names are valid is for
// those functions to check that print them or look for one.
func (h *Host) clean() error {
	if h.ID != "" && !wire.ValidID(h.ID) {
		return fmt.Errorf("%w: the ID %.80q", topic.ErrBadName, h.ID)
	}
	for i := range h.Topics {
		t := &h.Topics[i]
		if t.Name == "" || len(t.Name) > topic.MaxName {
			return fmt.Errorf("%w: topic %.80q", topic.ErrBadName, t.Name)
		}
		t.Mirror = t.Mirror || t.Copy // servers of earlier versions only have copy
		t.Copy = t.Mirror
	}
	for i := range h.Mirrors {
		m := &h.Mirrors[i]
		if m.Topic == "" || m.State == "" || m.From == "" {
			return fmt.Errorf("a mirror of %.80q without a topic, a state or a host", m.Topic)
		}
		m.State = MirrorState(wire.Clip(string(m.State)))
		for _, text := range []*string{&m.Topic, &m.From, &m.Host, &m.ID, &m.Why} {
			*text = wire.Clip(*text)
		}
	}
	if _, err := sign.NewTrust([]string{h.SignsAs}); err != nil {
		h.SignsAs = "" // it is not a key
	}
	h.Version, h.Err, h.More = wire.Clip(h.Version), wire.Clip(h.Err), max(h.More, 0)
	h.Host, h.Name = wire.Clip(h.Host), wire.Clip(h.Name)
	if s := h.Store; s != nil {
		s.Dir, s.Trouble = wire.Clip(s.Dir), wire.Clip(s.Trouble)
	}
	return nil
}
