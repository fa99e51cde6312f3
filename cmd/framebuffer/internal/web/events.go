package web

import (
	"fmt"
	"net/http"
	"time"
)

// patience is how long a client may take to accept an update or a picture.
const patience = 10 * time.Second

// events sends updates as server-sent events until the page is closed. The event named end says that this
// server is about to end.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	v, ok := s.feed.join()
	if !ok {
		w.Header().Set("Retry-After", "5")
		http.Error(w, fmt.Sprintf("%d pages are open already: close one", maxViewers), http.StatusServiceUnavailable)
		return
	}
	defer s.feed.leave(v)
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy in front passes events on at once
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // that of requests would end this one; it fails only when the page is gone
	send := func(event string, data []byte) error {
		if err := out.SetWriteDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		// JSON has no line breaks.
		if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, data); err != nil {
			return err
		}
		return out.Flush()
	}
	for {
		select {
		case text := <-v:
			if err := send("update", text); err != nil {
				return // the page was closed
			}
		case <-r.Context().Done():
			_ = send("end", []byte("{}")) // it goes nowhere if the page was closed
			return
		}
	}
}
