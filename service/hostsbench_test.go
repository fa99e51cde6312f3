package service_test

import (
	"context"
	"fmt"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// BenchmarkHosts asks so many servers on one NATS who they are, and reports what each of them
// costs NATS while nothing moves: for bench/scale.md.
//
//	go test ./service -run '^$' -bench Hosts -benchtime 10x
func BenchmarkHosts(b *testing.B) {
	for _, n := range []int{1, 10, 100, 300} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ns, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, NoLog: true, NoSigs: true})
			if err != nil {
				b.Fatal(err)
			}
			go ns.Start()
			b.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
			if !ns.ReadyForConnections(natstest.Limit) {
				b.Fatal("NATS is not ready")
			}
			connections, subscriptions := ns.NumClients(), ns.NumSubscriptions()
			for i := range n {
				server, err := framebuffer.NewServer(64<<10, nil)
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { _ = server.Close() })
				svc, err := service.Serve(context.Background(), server, &service.ServeOptions{URL: ns.ClientURL(), Host: fmt.Sprintf("h%d", i), Name: natstest.Unique(b)})
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { _ = svc.Close() })
			}
			connections, subscriptions = ns.NumClients()-connections, ns.NumSubscriptions()-subscriptions
			nc := natstest.Dial(b, service.Options{URL: ns.ClientURL()})
			var bytes uint64
			for b.Loop() {
				before := nc.Stats().InBytes
				all, err := remote.Hosts(natstest.Within(b), nc)
				if err != nil || len(all) != n {
					b.Fatalf("%d hosts, %v", len(all), err)
				}
				bytes += nc.Stats().InBytes - before
			}
			b.ReportMetric(float64(connections)/float64(n), "connections/host")
			b.ReportMetric(float64(subscriptions)/float64(n), "subscriptions/host")
			b.ReportMetric(float64(bytes)/float64(b.N)/float64(n), "answer-bytes/host")
		})
	}
}
