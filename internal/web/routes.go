package web

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/monitor/metrics"
)

// routes are all there is to get. What is not a figure is for who may see frames.
func (s *Server) routes() http.Handler {
	all := http.NewServeMux()
	all.Handle("GET /metrics", s.figures(s.metrics()))
	all.Handle("GET /healthz", s.figures(http.HandlerFunc(s.health)))
	s.page(all)
	return all
}

// metrics is for Prometheus: the segment, and the process that serves it.
func (s *Server) metrics() http.Handler {
	all := prometheus.NewRegistry()
	all.MustRegister(metrics.New(s.monitor), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(all, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

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
