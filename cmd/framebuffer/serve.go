package main

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
)

type serveCmd struct {
	ringFlags
	accessFlags
	busFlags
	hostFlags
	pageFlags
}

// Help is shown below the flags.
func (serveCmd) Help() string {
	return `Runs until SIGINT, SIGTERM, SIGQUIT or SIGHUP (unless SIGHUP is ignored, as nohup does).
The segment is unlinked as soon as it is created and freed when the last process detaches,
even after kill -9. All pages are allocated at start, so running out of memory is an
error at start, not later.

After kill -9 some files remain until the next server starts in the same directory: the
socket of memfd, and the files of the backend file with their memory. The file of --key-file
remains too. If another program removes the socket or key file while the server runs, the
server creates it again within a second.

  framebuffer serve --size 2GiB
  framebuffer serve --name cams --http 127.0.0.1:9464
  framebuffer serve --jetstream ./streams`
}

// served is what serve prints when it is ready.
type served struct {
	Key      string `json:"key"`
	Capacity uint64 `json:"capacity_bytes"`
	Old      uint64 `json:"capacity"` // deprecated: capacity_bytes
	Name     string `json:"name"`
	NATS     string `json:"nats"`
	Backend  string `json:"backend"`
	SignsAs  string `json:"signs_as,omitempty"`
	HTTP     string `json:"http,omitempty"` // with the token if it needs one
}

// Run serves until a signal ends it.
func (c *serveCmd) Run(e *env) (err error) {
	mirrors, err := c.mirrors()
	if err != nil {
		return err
	}
	if err := c.checkDir(); err != nil {
		return err
	}
	server, err := newServer(e, int64(c.Size), c.options(e))
	if err != nil {
		return unlessSignalled(err)
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	if c.KeyFile != "" {
		remove, err := keepKey(e.log, c.KeyFile, server.Key(), c.permit(e.log))
		if err != nil {
			return err
		}
		defer remove()
	}
	svc, err := startService(e, server, c.config(e, mirrors))
	if err != nil {
		return unlessSignalled(err)
	}
	defer func() { err = errors.Join(err, svc.Close()) }()
	defer c.showKey(e, server.Key())()

	st := server.Stats()
	s := served{
		Key: server.Key(), Capacity: st.Capacity, Old: st.Capacity, Name: c.Name, NATS: svc.URL(), Backend: st.Backend,
		SignsAs: svc.SignsAs(),
	}
	if c.HTTP != "" {
		pages, err := startHTTP(e, s.Key, c.HTTP, string(c.Token))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, pages.end()) }()
		s.HTTP = pages.url
	}
	if err := e.print(s, s.text(c.whose())); err != nil {
		return err
	}
	<-e.ctx.Done()
	logTotals(e, server)
	return nil
}

// mirrors returns the mirrors of --mirror.
func (c *serveCmd) mirrors() (all []remote.MirrorOptions, err error) {
	trust, err := c.keys()
	if err != nil {
		return nil, err
	}
	for _, text := range c.Mirrors {
		m, err := parseMirror(text)
		if err != nil {
			return nil, err
		}
		m.Trust = trust
		all = append(all, m)
	}
	return all, nil
}

// options converts the flags to options of the library.
func (c *serveCmd) options(e *env) *framebuffer.ServerOptions {
	return &framebuffer.ServerOptions{
		Name: "framebuffer serve", Mode: fs.FileMode(c.Mode), Backend: c.Backend, Dir: c.Dir,
		AllowUIDs: c.Allow, AllowGIDs: c.AllowG, ReadUIDs: c.Read, ReadGIDs: c.ReadG,
		HugePages: c.Huge, HoldLimit: int64(c.Holds), Topics: c.Topics, TopicDepth: c.Depth, Logger: e.log,
	}
}

// config converts the flags to options of package service.
func (c *serveCmd) config(e *env, mirrors []remote.MirrorOptions) *service.ServeOptions {
	return &service.ServeOptions{
		Mirrors: mirrors, Name: c.Name, Host: c.Host, URL: string(c.NATS),
		NATSConfig: c.Config, JetStream: c.Streams, Credentials: c.Creds, TLS: c.files(), InboxPrefix: c.Inbox,
		AskerInboxes: c.Askers, RemoteAllocate: int64(c.Remote), SigningKey: c.SignKey, Logger: e.log,
	}
}

// logTotals logs how many frames and bytes went through the ring.
func logTotals(e *env, server *framebuffer.Server) {
	all := server.Stats().Total
	e.log.Info("stopping", "framebuffer.allocated_bytes", all.AllocatedBytes, "framebuffer.writes", all.Writes,
		"framebuffer.reads", all.Reads, "framebuffer.timeouts", all.Overwritten+all.Altered)
}

// startService starts the service, which can wait for a NATS that does not answer. A signal ends
// the wait: the process exits, and the kernel releases what the service had opened.
func startService(e *env, server *framebuffer.Server, opts *service.ServeOptions) (*service.Service, error) {
	type started struct {
		svc *service.Service
		err error
	}
	done := make(chan started, 1)
	go func() {
		svc, err := service.Serve(e.ctx, server, opts)
		done <- started{svc, err}
	}()
	select {
	case s := <-done:
		if s.err != nil && e.ctx.Err() != nil {
			return nil, errSignal
		}
		return s.svc, s.err
	case <-e.ctx.Done():
	}
	select { // if the service is about to run, close it in order
	case s := <-done:
		if s.err == nil {
			return nil, errors.Join(errSignal, s.svc.Close())
		}
	case <-time.After(leave):
	}
	return nil, errSignal
}

// whose returns a description of the server's NATS.
func (c *serveCmd) whose() string {
	switch {
	case c.NATS != "":
		return "your own"
	case c.Config != "":
		return "embedded, of " + c.Config
	}
	return "embedded, this user only"
}

// text formats what serve prints without --json.
func (s served) text(whose string) string {
	name := ""
	if s.Name != "default" {
		name = " --name " + s.Name
	}
	more := ""
	if s.HTTP != "" {
		more = "\n  HTTP  " + s.HTTP
	}
	if s.SignsAs != "" {
		more += "\n\nReaders on other hosts accept what this server signs with --trust " + s.SignsAs
	}
	return fmt.Sprintf(`Serving a ring of %s.

  key   %s
  NATS  %s (%s)%s

From another terminal:

  framebuffer put%[6]s photo.jpg | framebuffer get - > same.jpg

Ctrl-C ends it and leaves nothing behind.`, byteSize(s.Capacity), s.Key, s.NATS, whose, more, name)
}
