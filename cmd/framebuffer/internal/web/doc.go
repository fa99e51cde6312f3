// Package web serves a monitor's snapshots over HTTP.
//
//	GET /metrics  for Prometheus
//	GET /healthz  200 while the segment has a server, else 503; one word: open, closed or gone
//	GET /         the page, and what belongs to it
//
// Access: on a loopback address every local user may read the figures, /metrics and /healthz. The page shows
// frames, which by default only processes of the server's own user can read. So on loopback the page is for
// that user and root; the kernel tells the user of a connection. All other requests, and all requests on
// other addresses, need the token, in a header (Authorization: Bearer TOKEN) or once as ?token=TOKEN, which
// becomes a cookie.
package web
