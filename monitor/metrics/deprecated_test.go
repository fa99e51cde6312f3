package metrics_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer"
)

// Metrics that were renamed are there under their old names too, with the same values, and say what
// to use instead.
func TestDeprecatedMetrics(t *testing.T) {
	server, from := collect(t, 1<<16)
	c := attach(t, server, "reader")
	f, err := c.Put([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	wrong := f
	wrong.Checksum++
	if _, err := c.Get(wrong); !errors.Is(err, framebuffer.ErrTimeout) {
		t.Fatal(err)
	}
	for range 2 { // laps
		if _, err := c.Put(make([]byte, 1<<15)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Get(f); !errors.Is(err, framebuffer.ErrTimeout) {
		t.Fatal(err)
	}
	got, text := scrape(t, from)
	for old, now := range map[string]string{
		"timeouts_total{reason=reused}":                                   "overwritten_total{}",
		"timeouts_total{reason=altered}":                                  "altered_total{}",
		"client_timeouts_total{client=reader,reason=reused,role=client}":  "client_overwritten_total{client=reader,role=client}",
		"client_timeouts_total{client=reader,reason=altered,role=client}": "client_altered_total{client=reader,role=client}",
	} {
		name, _, _ := strings.Cut(now, "{")
		if got[old] != 1 || got[now] != 1 || !regexp.MustCompile(`# HELP \S*`+strings.Split(old, "{")[0]+` Deprecated: use .*framebuffer_`+name).MatchString(text) {
			t.Errorf("%s is %v, and %s is %v\n%s", old, got[old], now, got[now], text)
		}
	}
}
