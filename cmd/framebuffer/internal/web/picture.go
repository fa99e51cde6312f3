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

	"golang.org/x/sync/semaphore"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/preview"
	"github.com/core-framebuffer/framebuffer/monitor"
)

// Limits of the pictures. One frame at a time is converted, in place, and all pages get the same picture: so
// the memory and the time are those of one picture, however many pages are open. Pictures that are too large
// to keep are sent in at most maxOnTheWay bytes at a time.
const (
	fresh       = 150 * time.Millisecond // how much older than its topic's newest frame a picture may be
	maxKept     = 64                     // pictures
	maxKeptSize = 1 << 20                // bytes of each
	maxOnTheWay = 64 << 20               // bytes of all that are not kept
	attempts    = 3                      // to convert a frame before it is overwritten
)

// gallery makes pictures of the newest frames. It only reads, from its own mapping, and delays no writer.
type gallery struct {
	monitor *monitor.Monitor
	turn    chan struct{} // a handler that has sent a value may convert a frame
	room    *semaphore.Weighted

	mu   sync.Mutex
	kept map[int]picture // by topic
}

// picture is the preview of a frame.
type picture struct {
	preview.Preview
	frame monitor.Frame
	made  time.Time
	room  int64 // that it has of what is on the way; 0 for one that is kept
}

func newGallery(m *monitor.Monitor) *gallery {
	return &gallery{monitor: m, turn: make(chan struct{}, 1), room: semaphore.NewWeighted(maxOnTheWay), kept: make(map[int]picture)}
}

var (
	errNoTopic = errors.New("there is no such topic")
	errNoFrame = errors.New("the topic has no frame that is still there")
	errNoRoom  = errors.New("other pages are being sent as many large pictures as there is memory for; try again")
)

// newest returns the picture of a topic's newest frame. The caller calls sent when it does not need it
// any more.
func (g *gallery) newest(ctx context.Context, topic int) (p picture, sent func(), err error) {
	p, err = g.make(ctx, topic)
	if err != nil || p.room == 0 {
		return p, func() {}, err
	}
	return p, func() { g.room.Release(p.room) }, nil
}

func (g *gallery) make(ctx context.Context, topic int) (picture, error) {
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-ctx.Done():
		return picture{}, ctx.Err()
	}
	old := g.remembered(topic)
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
		p, err := g.look(f)
		if errors.Is(err, framebuffer.ErrTimeout) {
			continue // overwritten meanwhile: there is a newer one
		}
		if err != nil {
			return picture{}, err
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

// look makes a picture of a frame. One that is too large to keep has acquired room, which its sender
// releases.
func (g *gallery) look(f *monitor.Frame) (picture, error) {
	p := picture{frame: *f, made: time.Now()}
	if f.Size > preview.MaxFrame {
		p.Preview = preview.TooLarge(f.Size)
		return p, nil
	}
	room := int64(preview.Cost(f.Size))
	if !g.room.TryAcquire(room) {
		return picture{}, errNoRoom
	}
	err := g.monitor.View(f, func(data []byte) error {
		p.Preview = preview.Of(data, &f.Meta)
		return nil
	})
	if err == nil && len(p.Image) > maxKeptSize {
		p.room = int64(len(p.Image))
	}
	g.room.Release(room - p.room)
	return p, err
}

func (g *gallery) remembered(topic int) picture {
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
	p, sent, err := s.gallery.newest(ctx, topic)
	defer sent()
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
	_, _ = w.Write(body) // the client may have closed the connection
}
