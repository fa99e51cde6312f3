package web

import (
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// guard handles every request first. It refuses requests that another web site makes through a browser on
// this machine, and moves the token from addresses to a cookie.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		// A name that a web site has made point at a loopback address would make this look
		// like a part of that site.
		if s.loopback && !localName(r.Host) {
			http.Error(w, fmt.Sprintf("this is not %q: use the address that framebuffer printed", clip(r.Host)), http.StatusMisdirectedRequest)
			return
		}
		if given := r.URL.Query().Get("token"); given != "" && s.right(given) {
			http.SetCookie(w, &http.Cookie{Name: s.cookie(), Value: s.token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
			if r.Method == http.MethodGet {
				http.Redirect(w, r, without(r.URL, "token"), http.StatusSeeOther)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// figures admits requests that may read figures.
func (s *Server) figures(next http.Handler) http.Handler {
	return s.allow(next, func(r *http.Request) bool { return s.loopback || s.known(r) })
}

// frames admits requests that may read frames.
func (s *Server) frames(next http.Handler) http.Handler {
	return s.allow(next, func(r *http.Request) bool { return s.known(r) || s.loopback && s.sameUser(r) })
}

func (s *Server) allow(next http.Handler, may func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if may(r) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="framebuffer"`)
		http.Error(w, "This needs the token: open the address with ?token=… that framebuffer printed at its start,\n"+
			"or send the header Authorization: Bearer TOKEN.", http.StatusUnauthorized)
	})
}

// known reports whether a request has the token.
func (s *Server) known(r *http.Request) bool {
	if given, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); is {
		return s.right(given)
	}
	c, err := r.Cookie(s.cookie())
	return err == nil && s.right(c.Value)
}

func (s *Server) right(token string) bool {
	return subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) == 1
}

// cookie has the port in its name, since browsers give a cookie to all ports of a host.
func (s *Server) cookie() string { return fmt.Sprintf("framebuffer-%d", s.address().Port) }

// localName reports whether a Host header names this machine to itself.
func localName(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// without is an address of this server less one parameter.
func without(u *url.URL, name string) string {
	q := u.Query()
	q.Del(name)
	rest := url.URL{Path: "/" + strings.TrimLeft(u.Path, "/"), RawQuery: q.Encode()} // never another host's
	return rest.String()
}

func clip(s string) string { return s[:min(len(s), 100)] }
