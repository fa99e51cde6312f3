package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// certificates are those of a CA, and one that it signed for a server with these names.
func certificates(names []string) ([]file, error) {
	authority := form("framebuffer example authority")
	authority.IsCA, authority.BasicConstraintsValid = true, true
	authority.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca, err := x509.CreateCertificate(rand.Reader, authority, authority, &signer.PublicKey, signer)
	if err != nil {
		return nil, err
	}

	hub := form(names[0])
	hub.KeyUsage, hub.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range append(names, "localhost", "127.0.0.1") { // the server's own service dials 127.0.0.1
		if ip := net.ParseIP(name); ip != nil {
			hub.IPAddresses = append(hub.IPAddresses, ip)
		} else {
			hub.DNSNames = append(hub.DNSNames, name)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	cert, err := x509.CreateCertificate(rand.Reader, hub, authority, &key.PublicKey, signer)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return []file{
		{"ca.pem", "the CA certificate, for all clients", pemOf("CERTIFICATE", ca)},
		{"hub.pem", "the hub's certificate", pemOf("CERTIFICATE", cert)},
		{"hub-key.pem", "its private key, for the hub alone", pemOf("PRIVATE KEY", private)},
	}, nil
}

// form is a certificate before it is signed.
func form(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(life),
	}
}

// pemOf is a PEM block.
func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
