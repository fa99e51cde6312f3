package service_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// hostsNamed waits until the client's NATS reaches servers of exactly these hosts.
func hostsNamed(t testing.TB, nc *nats.Conn, want string) []remote.Host {
	t.Helper()
	var all []remote.Host
	natstest.Eventually(t, "hosts "+want, func() (err error) {
		if all, err = remote.Hosts(natstest.Within(t), nc); err != nil {
			return err
		}
		var names []string
		for _, h := range all {
			if h.Err != "" {
				return fmt.Errorf("%s: %s", h.Host, h.Err)
			}
			names = append(names, h.Host)
		}
		if got := strings.Join(names, " "); got != want {
			return fmt.Errorf("reaches %q", got)
		}
		return nil
	})
	return all
}

// Embedded servers form a cluster, and a leaf node joins it, by the files that nats-server
// takes. Each server is found from each, and asked with nothing but NATS.
func TestClusterAndLeafByFile(t *testing.T) {
	routes, leafs := []int{natstest.FreePort(t), natstest.FreePort(t)}, natstest.FreePort(t)
	keys := map[string]string{}
	names := map[string]string{}
	for host, file := range map[string]string{
		"one":  fmt.Sprintf("cluster { name: c, listen: 127.0.0.1:%d, routes: [nats://127.0.0.1:%d] }\nleafnodes { listen: 127.0.0.1:%d }", routes[0], routes[1], leafs),
		"two":  fmt.Sprintf("cluster { name: c, listen: 127.0.0.1:%d, routes: [nats://127.0.0.1:%d] }", routes[1], routes[0]),
		"leaf": fmt.Sprintf("leafnodes { reconnect: 1, remotes: [{ url: nats://127.0.0.1:%d }] }", leafs),
	} {
		names[host] = natstest.Unique(t) + "." + host
		server, _ := natstest.Serve(t, service.ServeOptions{Name: names[host], Host: host, NATSConfig: natstest.NATSFile(t, file)})
		keys[host] = server.Key()
	}
	for host, name := range names {
		nc := natstest.Dial(t, service.Options{Name: name})
		for _, h := range hostsNamed(t, nc, "leaf one two") {
			m, err := nc.Request("framebuffer."+h.ID+".get_key", nil, natstest.Limit)
			if err != nil {
				t.Fatal(err)
			}
			if string(m.Data) != keys[h.Host] || h.Name != names[h.Host] || h.Capacity != 1<<20 {
				t.Errorf("from %s: %+v, key %s", host, h, m.Data)
			}
		}
		if c := natstest.Connect(t, service.Options{Name: name}); c.Key() != keys[host] {
			t.Errorf("the client on %s attached elsewhere", host)
		}
	}
}

// With TLS, users and accounts in the file, local clients get in by what the server tells
// them, and nobody else does.
func TestGuardedByFile(t *testing.T) {
	dir := certificates(t)
	port := natstest.FreePort(t)
	file := natstest.NATSFile(t, fmt.Sprintf(`
		listen: 127.0.0.1:%d
		tls { cert_file: %[2]q, key_file: %[3]q, ca_file: %[2]q, verify: true }
		accounts {
			frames { users: [{ user: framebuffer, password: "a password" }] }
			others { users: [{ user: other, password: "another" }] }
		}`, port, dir+"/cert.pem", dir+"/key.pem"))
	name := natstest.Unique(t)
	t.Chdir(dir)
	tls := service.TLS{CA: "cert.pem", Cert: "cert.pem", Key: "key.pem"}
	server, svc := natstest.Serve(t, service.ServeOptions{Name: name, Host: "h", NATSConfig: file, TLS: tls})
	t.Chdir(t.TempDir())
	if c := natstest.Connect(t, service.Options{Name: name}); c.Key() != server.Key() {
		t.Error("attached elsewhere")
	}
	hostsNamed(t, natstest.Dial(t, service.Options{Name: name}), "h")
	url := svc.URL()
	tls = service.TLS{CA: dir + "/cert.pem", Cert: dir + "/cert.pem", Key: dir + "/key.pem"}
	for what, opts := range map[string]service.Options{
		"without a login":       {URL: url, TLS: tls},
		"without a certificate": {URL: strings.Replace(url, "//", "//framebuffer:a password@", 1), TLS: service.TLS{CA: tls.CA}},
		"without the authority": {URL: url},
	} {
		if nc, err := service.Dial(natstest.Within(t), &opts); err == nil {
			nc.Close()
			t.Errorf("%s: got in", what)
		}
	}
	other := natstest.Dial(t, service.Options{URL: strings.Replace(url, "//", "//other:another@", 1), TLS: tls})
	if m, err := other.Request("framebuffer.get_key", nil, natstest.Limit); err == nil {
		t.Errorf("another account was told %q", m.Data)
	}
}

// certificates makes one that is its own authority, for 127.0.0.1.
func certificates(t testing.TB) (dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A file that gives no addresses listens on loopback, and nobody gets in without the
// password, which nobody was told.
func TestFileWithoutAddresses(t *testing.T) {
	_, svc := natstest.Serve(t, service.ServeOptions{Name: natstest.Unique(t), NATSConfig: natstest.NATSFile(t, fmt.Sprintf("http: %d\ncluster { name: c, port: %d }", natstest.FreePort(t), natstest.FreePort(t)))})
	if !strings.HasPrefix(svc.URL(), "nats://127.0.0.1:") {
		t.Errorf("listens at %s", svc.URL())
	}
	for _, file := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		if all := listeners(t, file); len(all) > 0 {
			t.Errorf("listens beyond loopback: %v", all)
		}
	}
	if nc, err := nats.Connect(svc.URL()); err == nil {
		nc.Close()
		t.Error("got in without a password")
	}
}

// listeners are this process's sockets that listen on more than loopback.
func listeners(t testing.TB, file string) (all []string) {
	t.Helper()
	own := map[string]bool{}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil {
			own[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] = true
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		const listening, loopback = "0A", "0100007F:"
		if len(f) > 9 && f[3] == listening && own[f[9]] && !strings.HasPrefix(f[1], loopback) {
			all = append(all, f[1])
		}
	}
	return all
}

func TestBadNATSFiles(t *testing.T) {
	server, err := framebuffer.NewServer(1<<16, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for what, c := range map[string]struct {
		cfg  service.ServeOptions
		says string
	}{
		"nonsense":        {service.ServeOptions{NATSConfig: natstest.NATSFile(t, "cluster {")}, "configuration"},
		"no such file":    {service.ServeOptions{NATSConfig: filepath.Join(t.TempDir(), "missing")}, "missing"},
		"no usable login": {service.ServeOptions{NATSConfig: natstest.NATSFile(t, "authorization { users: [{ user: a, password: b }] }")}, "named framebuffer"},
		"hashed login":    {service.ServeOptions{NATSConfig: natstest.NATSFile(t, `authorization { user: framebuffer, password: "$2a$11$W2zko751KUvVy59mUTWmpOdWjpEm5qhcCZRd05GjI/sSOT.xtiHyG" }`)}, "plain text"},
		"small payloads":  {service.ServeOptions{NATSConfig: natstest.NATSFile(t, "max_payload: 4096")}, "raise max_payload"},
		"and a URL":       {service.ServeOptions{NATSConfig: natstest.NATSFile(t, ""), URL: "nats://127.0.0.1:1"}, "either"},
		"half a pair":     {service.ServeOptions{TLS: service.TLS{Cert: "x"}}, "both files"},
		"a host's name":   {service.ServeOptions{Host: "a b"}, "host name"},
	} {
		c.cfg.Name = natstest.Unique(t)
		svc, err := service.Serve(context.Background(), server, &c.cfg)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", what, err)
		}
		if err == nil {
			svc.Close()
		}
	}
}
