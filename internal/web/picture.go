package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/preview"
	"github.com/core-framebuffer/framebuffer/monitor"
)

// Limits of the pictures. One frame at a time is read, so that however many pages look, the
// memory for that and the time are one frame's; and what was made is shown to all of them.
const (
	fresh       = 150 * time.Millisecond // how old what is shown may be beyond the frame itself
	maxKept     = 64                     // pictures
	maxKeptSize = 1 << 20                // bytes of each
	attempts    = 3                      // to read a frame before it is overwritten
)

// gallery makes pictures of the newest frames. It only reads, from its own mapping: writers do
// not know of it.
type gallery struct {
	monitor *monitor.Monitor
	turn    chan struct{} // whoever has put something in may read a frame

	mu   sync.Mutex
	kept map[int]picture // by topic
}

// picture is the preview of a frame.
type picture struct {
	preview.Preview
	frame monitor.Frame
	made  time.Time
}

func newGallery(m *monitor.Monitor) *gallery {
	return &gallery{monitor: m, turn: make(chan struct{}, 1), kept: make(map[int]picture)}
}

var (
	errNoTopic = errors.New("there is no such topic")
	errNoFrame = errors.New("the topic has no frame that is still there")
)

// newest returns the picture of a topic's newest frame.
func (g *gallery) newest(ctx context.Context, topic int) (picture, error) {
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-ctx.Done():
		return picture{}, ctx.Err()
	}
	old := g.look(topic)
	if !old.made.IsZero() && time.Since(old.made) < fresh {
		return old, nil
	}
	for range attempts {
		f, err := g.frame(topic)
		if err != nil {
			return picture{}, err
		}
		if !old.made.IsZero() && old.frame.Sequence == f.Sequence && old.frame.Offset == f.Offset {
			return old, nil
		}
		p := picture{frame: *f, made: time.Now()}
		if f.Size > preview.MaxFrame {
			p.Preview = preview.TooLarge(f.Size)
		} else {
			data, err := g.monitor.Read(f)
			if errors.Is(err, framebuffer.ErrTimeout) {
				continue // overwritten meanwhile: there is a newer one
			}
			if err != nil {
				return picture{}, err
			}
			p.Preview = preview.Of(data, &f.Meta)
		}
		g.keep(topic, p)
		return p, nil
	}
	return picture{}, fmt.Errorf("%w: %d were overwritten before they could be read: the horizon is too short", errNoFrame, attempts)
}

// frame asks what a topic's newest frame is.
func (g *gallery) frame(topic int) (*monitor.Frame, error) {
	s, err := g.monitor.Snapshot()
	if err != nil {
		return nil, err
	}
	for _, t := range s.Topics {
		if t.Index == topic && t.Newest != nil {
			return t.Newest, nil
		}
		if t.Index == topic {
			return nil, errNoFrame
		}
	}
	return nil, errNoTopic
}

func (g *gallery) look(topic int) picture {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.kept[topic]
}

// keep remembers a picture, instead of any other if there are too many.
func (g *gallery) keep(topic int, p picture) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.kept, topic)
	if len(p.Image) > maxKeptSize {
		return
	}
	for other := range g.kept {
		if len(g.kept) < maxKept {
			break
		}
		delete(g.kept, other)
	}
	g.kept[topic] = p
}

// latest answers with the picture of a topic's newest frame, or with JSON that says what there
// is instead. A page says with ?have= which it has, and gets no content if that is the newest.
func (s *Server) latest(w http.ResponseWriter, r *http.Request) {
	topic, err := strconv.Atoi(r.PathValue("topic"))
	if err != nil {
		http.Error(w, "a topic is named by its index here, a number", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	p, err := s.gallery.newest(ctx, topic)
	switch {
	case err == nil:
	case errors.Is(err, errNoTopic), errors.Is(err, errNoFrame):
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	default:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	name := fmt.Sprintf("%d-%d", p.frame.Sequence, p.frame.Offset)
	w.Header().Set("Framebuffer-Frame", name)
	if r.URL.Query().Get("have") == name {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(patience)); err != nil {
		s.log.Debug("no deadline for a picture", "error.message", err)
	}
	body := p.Image
	w.Header().Set("Content-Type", p.Type)
	if p.Text != nil {
		w.Header().Set("Content-Type", "application/json")
		if body, err = json.Marshal(p.Text); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // whoever asked may have gone
}
