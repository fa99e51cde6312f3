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
	"strconv"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// authority signs certificates, which it writes into files of dir: NAME.pem and NAME-key.pem.
type authority struct {
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.sign(t, "ca", func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	})
	return a
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name+".pem") }

// sign makes a certificate for 127.0.0.1, unless change says otherwise. The first one signs itself, and the others.
func (a *authority) sign(t *testing.T, name string, change func(*x509.Certificate)) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	change(form)
	if a.cert == nil {
		a.cert, a.key = form, key
	}
	cert, err := x509.CreateCertificate(rand.Reader, form, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{a.file(name): {Type: "CERTIFICATE", Bytes: cert}, a.file(name + "-key"): {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Where the service does not get into its own NATS, the error says what of it was refused and what to do, and comes
// within a bound: with the pipe inside a process, without buffers, each end waited for the other for ever.
func TestOwnNATSRefuses(t *testing.T) {
	mine, foreign := newAuthority(t), newAuthority(t)
	none := func(*x509.Certificate) {}
	mine.sign(t, "good", none)
	mine.sign(t, "other", func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"example.org"} })
	mine.sign(t, "old", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) })
	mine.sign(t, "client", none)
	foreign.sign(t, "stranger", none)
	file := func(cert, more string) string {
		return natstest.NATSFile(t, fmt.Sprintf("tls { cert_file: %q, key_file: %q, %s }", mine.file(cert), mine.file(cert+"-key"), more))
	}
	asking := "verify: true, ca_file: \"" + mine.file("ca") + "\""
	trust := service.TLS{CA: mine.file("ca")}
	for what, c := range map[string]struct {
		cfg  service.ServeOptions
		says []string // nothing: it is let in
	}{
		"trusted":                {service.ServeOptions{NATSConfig: file("good", ""), TLS: trust}, nil},
		"trusted, TLS first":     {service.ServeOptions{NATSConfig: file("good", "handshake_first: true"), TLS: trust}, nil},
		"not trusted":            {service.ServeOptions{NATSConfig: file("good", "")}, []string{"--nats-ca FILE", "CN=good", "CN=ca", "unknown authority"}},
		"not trusted, TLS first": {service.ServeOptions{NATSConfig: file("good", "handshake_first: true")}, []string{"--nats-ca FILE", "CN=good"}},
		"another's":              {service.ServeOptions{NATSConfig: file("good", ""), TLS: service.TLS{CA: foreign.file("ca")}}, []string{"--nats-ca", foreign.file("ca"), "CN=good"}},
		"another name":           {service.ServeOptions{NATSConfig: file("other", ""), TLS: trust}, []string{"127.0.0.1", "subjectAltName", "CN=other"}},
		"expired":                {service.ServeOptions{NATSConfig: file("old", ""), TLS: trust}, []string{"expired", "CN=old"}},
		"asks for one":           {service.ServeOptions{NATSConfig: file("good", asking), TLS: trust}, []string{"--nats-cert FILE"}},
		"a stranger's": {
			service.ServeOptions{NATSConfig: file("good", asking), TLS: service.TLS{CA: trust.CA, Cert: foreign.file("stranger"), Key: foreign.file("stranger-key")}},
			[]string{"--nats-cert", foreign.file("stranger")},
		},
		"a client's": {service.ServeOptions{NATSConfig: file("good", asking), TLS: service.TLS{CA: trust.CA, Cert: mine.file("client"), Key: mine.file("client-key")}}, nil},
		"a login":    {service.ServeOptions{URL: startedWith(t, `authorization { user: u, password: p }`)}, []string{"--creds"}},
		"a bad login": {
			service.ServeOptions{URL: strings.Replace(startedWith(t, `authorization { user: u, password: p }`), "//", "//u:wrong@", 1)}, []string{"does not let in"},
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			server, err := framebuffer.NewServer(1<<16, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			c.cfg.Name = "refuses." + strconv.FormatInt(time.Now().UnixNano(), 36)
			done := make(chan error, 1)
			go func() {
				svc, err := service.Serve(context.Background(), server, &c.cfg)
				if err == nil {
					opts := service.Options{Name: c.cfg.Name} // clients are told all that they need
					var client *service.Client
					if client, err = service.Connect(t.Context(), &opts); err == nil {
						err = client.Close()
					}
					svc.Close()
				}
				done <- err
			}()
			select {
			case err = <-done:
			case <-time.After(natstest.Limit):
				t.Fatal("it does not return")
			}
			if (err == nil) != (c.says == nil) {
				t.Fatal(err)
			}
			for _, s := range c.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("no %q in: %v", s, err)
				}
			}
		})
	}
}

// startedWith is the URL of a NATS with that configuration.
func startedWith(t *testing.T, text string) string {
	t.Helper()
	return natstest.RunNATS(t, optionsOf(t, text))
}

func optionsOf(t *testing.T, text string) *natsserver.Options {
	t.Helper()
	opts, err := natsserver.ProcessConfigFile(natstest.NATSFile(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return opts
}
