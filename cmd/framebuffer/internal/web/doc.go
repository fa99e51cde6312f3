// Package web serves what a monitor sees over HTTP.
//
//	GET /metrics  for Prometheus
//	GET /healthz  200 while the segment has a server, else 503; one word: open, closed or gone
//	GET /         the page, and what belongs to it
//
// Who may have what: on a loopback address everybody on the machine may have the figures, that
// is /metrics and /healthz. The page shows frames, which by default only processes of the
// server's own user can read, so that is what it is for: the kernel tells whose a connection
// is. Everybody else, and everybody on other addresses, must bring the token, in a header
// (Authorization: Bearer TOKEN) or once as ?token=TOKEN, which becomes a cookie.
package web
