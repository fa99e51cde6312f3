package topic

import "time"

// From says where a subscription begins.
type From int

// Where a subscription may begin.
const (
	FromNext   From = iota // with the first frame published after Subscribe; an End before that is skipped
	FromNewest             // with the newest frame that is still there
	FromOldest             // with the oldest frame that is still there
	FromFirst              // with the first frame ever published; those that are overwritten count as lost
)

// SubscribeOptions are for [Subscribe]. The zero value, or nil, means the defaults.
type SubscribeOptions struct {
	// From is where to begin. It has no effect in a group that another subscription has begun.
	From From

	// Group shares the topic's frames among all subscriptions of that group, in any process: each
	// frame goes to one of them. If that process dies before it has handled the frame, the frame is
	// lost. At most MaxName bytes; empty means no group.
	Group string

	// Spin is how long Next polls before it sleeps. Polling takes a whole processor, and saves a
	// system call and the wake-up. Negative means for ever. Default: Next sleeps at once.
	Spin time.Duration
}
