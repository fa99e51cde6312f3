package monitor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// Seconds is a duration: NaN if it is unknown, infinite if it never ends. In JSON both are null.
type Seconds float64

// seconds converts from nanoseconds.
func seconds(ns int64) Seconds { return Seconds(float64(ns) / float64(time.Second)) }

func unknown() Seconds { return Seconds(math.NaN()) }

func forever() Seconds { return Seconds(math.Inf(1)) }

// Known reports whether s is a finite duration.
func (s Seconds) Known() bool { return !math.IsNaN(float64(s)) && !math.IsInf(float64(s), 0) }

// Duration converts s, and returns 0 if s is not [Seconds.Known].
func (s Seconds) Duration() time.Duration {
	if !s.Known() {
		return 0
	}
	ns := float64(s) * float64(time.Second)
	return time.Duration(max(min(ns, math.MaxInt64/2), math.MinInt64/2))
}

// MarshalJSON writes a number, or null.
func (s Seconds) MarshalJSON() ([]byte, error) {
	if !s.Known() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(s))
}

// UnmarshalJSON reads what MarshalJSON writes; null becomes unknown.
func (s *Seconds) UnmarshalJSON(text []byte) error {
	if bytes.Equal(text, []byte("null")) {
		*s = unknown()
		return nil
	}
	return json.Unmarshal(text, (*float64)(s))
}

// String formats s in at most 7 columns: "–", "∞", "850 µs", "42 ms", "1.4 s",
// "95 s", "12 min", "5.2 h", "12 d".
func (s Seconds) String() string {
	v := float64(s)
	switch {
	case math.IsNaN(v):
		return "–"
	case math.IsInf(v, 0):
		return "∞"
	case v < 0:
		return "-" + (-s).String()
	case v == 0:
		return "0 s"
	case v < 0.95e-6:
		return "<1 µs"
	}
	for _, u := range []struct {
		below, scale float64
		name         string
	}{
		{999.5e-6, 1e6, "µs"}, {999.5e-3, 1e3, "ms"}, {119.5, 1, "s"}, {119.5 * 60, 1. / 60, "min"}, {47.5 * 3600, 1. / 3600, "h"},
	} {
		if v < u.below {
			return short(v*u.scale) + " " + u.name
		}
	}
	return short(min(v/86400, 999999)) + " d"
}

// short formats a number with at least two digits, and no more than it needs.
func short(v float64) string {
	if v < 9.95 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}
