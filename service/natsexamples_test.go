package service_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/service"
)

// example is a file of examples/hosts, with ports of this host in place of those of others.
func example(t *testing.T, name string, replace ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "examples", "hosts", name))
	if err != nil {
		t.Fatal(err)
	}
	return natsFile(t, strings.NewReplacer(replace...).Replace(string(text)))
}

// here is an address of this host, whose port nobody listens on right now.
func here(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", freePort(t))
}

// The files of examples/hosts do what they say: hosts of a cluster, of two clusters joined by
// gateways, and of a hub with TLS and a leaf node find each other.
func TestExampleFiles(t *testing.T) {
	dir := certificates(t)
	cam, gpu, hub, leafs := here(t), here(t), here(t), here(t)
	east, west, eastGate, westGate := here(t), here(t), here(t), here(t)
	ca := dir + "/cert.pem"
	for want, hosts := range map[string]map[string]string{
		"cam gpu": {
			"cam": example(t, "cam.conf", "0.0.0.0:6222", cam, "gpu:6222", gpu),
			"gpu": example(t, "gpu.conf", "0.0.0.0:6222", gpu, "cam:6222", cam),
		},
		"east-1 west-1": {
			"east-1": example(t, "east.conf", "0.0.0.0:6222", east, "east-1:6222", east, "0.0.0.0:7222", eastGate, "west-1:7222", westGate),
			"west-1": example(t, "west.conf", "0.0.0.0:6222", west, "west-1:6222", west, "0.0.0.0:7222", westGate, "east-1:7222", eastGate),
		},
		"edge hub": {
			"hub": example(t, "hub.conf", "0.0.0.0:4222", hub, "0.0.0.0:7422", leafs, "hub.pem", ca, "hub-key.pem", dir+"/key.pem"),
			// Outside of a test the certificate has an authority that the system knows.
			"edge": example(t, "leaf.conf", `hub:7422"`, fmt.Sprintf("%s\", tls { ca_file: %q }", leafs, ca)),
		},
	} {
		t.Run(want, func(t *testing.T) {
			names := map[string]string{}
			for host, file := range hosts {
				names[host] = unique(t) + "." + host
				cfg := service.Config{Name: names[host], Host: host, NATSConfig: file}
				if host == "hub" {
					cfg.TLS.CA = ca
				}
				serve(t, cfg)
			}
			for _, name := range names {
				hostsNamed(t, dial(t, service.Options{Name: name}), want)
			}
		})
	}
}
