package remote

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// A host says of itself what a message has room for, and how much it left out.
func TestAboutManyTopics(t *testing.T) {
	h := Host{Host: "h"}
	for range 10_000 {
		h.Topics = append(h.Topics, HostTopic{Name: strings.Repeat("é", 40), Published: 1})
	}
	for _, room := range []int{1, 200, 10_000, 1 << 20, 1 << 24} {
		text, err := h.Encode(room)
		var got Host
		if err := errors.Join(err, json.Unmarshal(text, &got)); err != nil {
			t.Fatal(err)
		}
		if len(got.Topics)+got.More != 10_000 || len(text) > max(room, 200) || room == 1<<24 && got.More != 0 || room >= 1<<20 && len(text) < room/2 && got.More > 0 {
			t.Errorf("%d bytes of %d: %d topics and %d more", len(text), room, len(got.Topics), got.More)
		}
	}
}
