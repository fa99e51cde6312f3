package remote

import "log/slog"

// AnyHost is for [MirrorOptions.From].
const AnyHost = "any"

// MirrorOptions are for [NewMirror]. Topic is required; the zero value of the others means the
// defaults.
type MirrorOptions struct {
	Topic string `json:"topic"`

	// From says whose topic it is: a host's name, a server's name or ID, or AnyHost. If several servers
	// have the topic, it is the one with the newest frame. With AnyHost, servers whose topic is itself
	// a mirror do not count, as far as they know it: they do of Config.Mirrors and of the command
	// mirror. Default: AnyHost.
	From string `json:"from"`

	// Every copies only the frames whose sequence is a multiple of it. Default: all.
	Every int `json:"every,omitempty"`

	// Rate is how many frames a second are copied at most. Default: all.
	Rate float64 `json:"rate,omitempty"`

	// OnDemand copies only while monitoring shows a subscriber of the topic here.
	OnDemand bool `json:"on_demand,omitempty"`

	// Window is how many bytes may be in flight, 64 KiB to 64 MiB. Default: 4 MiB.
	Window int `json:"window,omitempty"`

	// Trust lists the public keys (Service.SignsAs) of servers, one of which must have signed each frame
	// as part of the stream that the mirror requested. Nothing else is published, and no other server
	// counts for AnyHost. An empty list refuses every frame. Default, nil: no signature is required.
	Trust []string `json:"trust,omitempty"`

	// Self is the ID of the server whose ring the mirror publishes to. AnyHost passes it over.
	Self string `json:"-"`

	// Logger receives the mirror's log. Default: nothing is logged.
	Logger *slog.Logger `json:"-"`
}
