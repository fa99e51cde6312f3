package service_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// A guest of a NATS that hosts may share cannot empty the ring by asking for offsets: it gets none
// unless the server was told so, and then so many bytes a second. The refusals say what helps.
func TestRemoteAllocate(t *testing.T) {
	const frame, askers, each = 10_000, 8, 500
	for what, cfg := range map[string]service.ServeOptions{
		"own NATS":  {URL: natstest.OwnNATS(t)},
		"with file": {NATSConfig: natstest.NATSFile(t, "max_payload: 1MB\n")},
	} {
		t.Run(what, func(t *testing.T) {
			cfg.Name = natstest.Unique(t)
			server, _ := natstest.Serve(t, cfg)
			guest := natstest.Connect(t, service.Options{Name: cfg.Name})
			f, err := guest.Put(context.Background(), make([]byte, 1000))
			if err != nil {
				t.Fatal(err)
			}
			for range 100 {
				if _, err := guest.RemoteAllocate(natstest.Within(t), frame); !errors.Is(err, framebuffer.ErrPermission) {
					t.Fatal(err)
				}
			}
			if _, err := guest.Get(t.Context(), f); err != nil || server.Stats().Total.Allocations != 1 {
				t.Errorf("%v, %+v", err, server.Stats().Total)
			}
			if _, err := guest.Allocate(context.Background(), frame); err != nil { // through its own mapping
				t.Error(err)
			}
		})
	}
	t.Run("allowed", func(t *testing.T) {
		cfg := service.ServeOptions{URL: natstest.OwnNATS(t), Name: natstest.Unique(t), RemoteAllocate: 3 * frame}
		server, _ := natstest.Serve(t, cfg)
		guest := natstest.Connect(t, service.Options{Name: cfg.Name})
		if _, err := guest.RemoteAllocate(natstest.Within(t), 3*frame+1); !errors.Is(err, framebuffer.ErrTooLarge) {
			t.Error(err)
		}
		var group sync.WaitGroup
		var got, busy atomic.Uint64
		for range askers {
			group.Go(func() {
				for range each {
					switch _, err := guest.RemoteAllocate(natstest.Within(t), frame); {
					case err == nil:
						got.Add(1)
					case errors.Is(err, remote.ErrBusy):
						busy.Add(1)
					default:
						t.Error(err)
						return
					}
				}
			})
		}
		group.Wait()
		if n := server.Stats().Total.Allocations; got.Load() < 3 || busy.Load() == 0 || got.Load() != n {
			t.Errorf("%d allocated, %d refused, and the server counted %d", got.Load(), busy.Load(), n)
		}
	})
	t.Run("alone", func(t *testing.T) {
		cfg := service.ServeOptions{Name: natstest.Unique(t)}
		natstest.Serve(t, cfg)
		c := natstest.Connect(t, service.Options{Name: cfg.Name})
		for range 200 { // two laps
			if _, err := c.RemoteAllocate(natstest.Within(t), frame); err != nil {
				t.Fatal(err)
			}
		}
	})
	server, err := framebuffer.NewServer(1<<16, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if _, err := service.Serve(context.Background(), server, &service.ServeOptions{Name: natstest.Unique(t), RemoteAllocate: -1}); !errors.Is(err, framebuffer.ErrBadSize) {
		t.Error(err)
	}
}
