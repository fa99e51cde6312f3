package doctor

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/core-framebuffer/framebuffer"
)

// trialRing is the size of a ring that tests whether a backend works at all.
const trialRing = 64 << 10

// memfdWorks tries the default backend with a small server: not only limits can forbid a server,
// but also a filter of system calls or a security module.
func memfdWorks(m Machine, ring int64) Result {
	return m.tried("memfd", ring, Fail, "serve --backend sysv; or, if it is the directory, name another with --dir")
}

// sysvWorks is like [memfdWorks], for sysv. It is not the default, so that a failure is a warning.
func sysvWorks(m Machine, ring int64) Result {
	return m.tried("sysv", ring, Warn, "serve without --backend sysv: memfd, the default, does without")
}

// tried tries a backend, unless ring is 0, and returns a result with that status if it does not
// work.
func (m Machine) tried(backend string, ring int64, status Status, remedy string) Result {
	if ring == 0 {
		return good("not tried, since no ring is to be made here")
	}
	if err := m.Try(backend); err != nil {
		return bad(status, remedy, "serving a ring of 64 KiB does not work: %s", plain(err))
	}
	return good("serving a ring of 64 KiB and attaching to it works")
}

// try serves a ring, attaches to it and sends a frame through.
func try(backend, dir string) (err error) {
	server, err := framebuffer.NewServer(trialRing, &framebuffer.ServerOptions{Backend: backend, Dir: dir, Name: "framebuffer doctor"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	client, err := framebuffer.Attach(server.Key(), &framebuffer.ClientOptions{Name: "framebuffer doctor"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	const sent = "doctor"
	frame, err := client.Put([]byte(sent))
	if err != nil {
		return err
	}
	got, err := client.Get(frame)
	if err == nil && string(got) != sent {
		err = fmt.Errorf("%q arrived instead of %q", got, sent)
	}
	return err
}

// plain returns an error's text for a finding: on one line, without the library's name and without
// the key.
func plain(err error) string {
	text := strings.NewReplacer("framebuffer: ", "", "\n", "; ").Replace(err.Error())
	return regexp.MustCompile(`attach with key "[^"]*": `).ReplaceAllLiteralString(text, "")
}
