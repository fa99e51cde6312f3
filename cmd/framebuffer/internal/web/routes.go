package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/monitor/metrics"
)

// routes returns the handler of all requests. All but figures need access to frames.
func (s *Server) routes() http.Handler {
	all := http.NewServeMux()
	all.Handle("GET /metrics", s.figures(s.metrics()))
	all.Handle("GET /healthz", s.figures(http.HandlerFunc(s.health)))
	s.page(all)
	return all
}

// maxScrapes is how many scrapes are worked out at a time.
const maxScrapes = 4

// metrics is for Prometheus: the segment, and the process that serves it.
func (s *Server) metrics() http.Handler {
	all := prometheus.NewRegistry()
	all.MustRegister(metrics.New(s.monitor), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return inTurn(maxScrapes, promhttp.HandlerFor(all, promhttp.HandlerOpts{}))
}

// inTurn has so many answers worked out at a time, in the order of their requests, and sends each after
// that: a peer that does not read keeps no other one waiting.
func inTurn(most int, next http.Handler) http.Handler {
	turns := make(chan struct{}, most)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		select {
		case turns <- struct{}{}:
		case <-ctx.Done():
			http.Error(w, "too many ask for this at a time; try again", http.StatusServiceUnavailable)
			return
		}
		made := func() *unsent {
			defer func() { <-turns }()
			made := &unsent{header: w.Header(), status: http.StatusOK}
			next.ServeHTTP(made, r)
			return made
		}()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(patience)) // else it is the server's, from the request on
		w.WriteHeader(made.status)
		_, _ = w.Write(made.body.Bytes()) // the peer may have gone
	})
}

// unsent is an answer before it is sent.
type unsent struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (p *unsent) Header() http.Header { return p.header }

// WriteHeader implements http.ResponseWriter.
func (p *unsent) WriteHeader(status int) { p.status = status }

// Write implements http.ResponseWriter.
func (p *unsent) Write(b []byte) (int, error) { return p.body.Write(b) }

// health says whether the segment has a server.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	now, err := s.monitor.Snapshot()
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	if now.State != monitor.Open {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintln(w, now.State)
}
