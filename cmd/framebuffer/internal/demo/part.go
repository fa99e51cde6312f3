package demo

import (
	"context"
	"errors"
	"fmt"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
)

// Part is the task of one process of the demo.
type Part struct {
	Role   string // server, writer, reader or slow
	Name   string // of the demo's server on this host
	Size   int64  // of the ring
	Index  int    // which of several
	Thumbs bool   // whether to send thumbnails
	Save   string // folder for the last picture, empty for none
}

// RunPart runs a part until standard input ends.
func RunPart(ctx context.Context, p Part) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := newLink()
	go func() {
		<-l.done
		cancel()
	}()
	var err error
	switch p.Role {
	case "server":
		err = runServer(ctx, p, l)
	case "writer":
		err = runWriter(ctx, p, l)
	case "reader", "slow":
		err = runReader(ctx, p, l)
	default:
		return fmt.Errorf("demo: no part %q", p.Role)
	}
	if err != nil {
		return fmt.Errorf("demo %s: %w", p.Role, err)
	}
	return nil
}

// runServer runs the part of the server.
func runServer(ctx context.Context, p Part, l *link) (err error) {
	server, err := framebuffer.NewServer(p.Size, &framebuffer.ServerOptions{Name: "demo server"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	svc, err := service.Serve(ctx, server, &service.ServeOptions{Name: p.Name})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, svc.Close()) }()
	if err := l.send(report{Ready: true, Key: server.Key()}); err != nil {
		return err
	}
	<-ctx.Done()
	return l.send(report{Done: true})
}

// connect connects a writer or reader to the server, and reads the pictures.
func connect(ctx context.Context, p Part) (*service.Client, []Picture, error) {
	pictures, err := readPictures()
	if err != nil {
		return nil, nil, err
	}
	c, err := service.Connect(ctx, &service.Options{
		Name:   p.Name,
		Attach: &framebuffer.ClientOptions{Name: fmt.Sprintf("demo %s %d", p.Role, p.Index)},
	})
	return c, pictures, err
}
