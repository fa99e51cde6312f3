package web

import (
	"embed"
	"net/http"
	"path"
)

// files are the page, as it is sent: nothing has to be built, and nothing comes from elsewhere.
//
//go:embed page
var files embed.FS

// policy lets a page use what comes from this server and nothing else, run no script that
// stands in it, and be shown within no other. Pictures are blobs, since a script fetches them.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page adds the page's routes. All of them need access to frames.
func (s *Server) page(all *http.ServeMux) {
	for pattern, do := range map[string]http.HandlerFunc{
		"GET /{$}":                   s.file,
		"GET /page/{file...}":        s.file,
		"GET /events":                s.events,
		"GET /topics/{topic}/latest": s.latest,
	} {
		all.Handle(pattern, s.frames(ownSite(do)))
	}
}

// ownSite refuses requests of other sites. They could not read the answers, but could open as many event
// streams as there may be. A link to the page works.
func ownSite(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		switch from := r.Header.Get("Sec-Fetch-Site"); {
		case from == "" || from == "same-origin" || from == "none" || r.Header.Get("Sec-Fetch-Mode") == "navigate":
			next.ServeHTTP(w, r)
		default:
			http.Error(w, "this is for the page itself, not for other sites", http.StatusForbidden)
		}
	})
}

// file sends one of the files; the path without a name is the page itself.
func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if name == "" {
		name = "index.html"
	}
	text, err := files.ReadFile(path.Join("page", path.Clean("/"+name)))
	kind := map[string]string{
		".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
		".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	}[path.Ext(name)]
	if err != nil || kind == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(text) // the client may have closed the connection
}
