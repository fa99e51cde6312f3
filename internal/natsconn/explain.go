package natsconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/nats-io/nats.go"
)

// refusesCertificate matches the alerts with which a server refuses a client's certificate, or that it shows
// none. With TLS 1.3 they come, or the connection is closed, when the client thinks that it is in. nats.go passes on
// the text alone.
var refusesCertificate = regexp.MustCompile(`remote error: tls: .*(certificate|handshake failure|access denied)|closed by remote after TLS handshake`)

// ExplainEntry adds what to do to an error of a connection to NATS that was not let in.
func (a Access) ExplainEntry(err error) error {
	var refused *tls.CertificateVerificationError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return fmt.Errorf("%s (%w)", a.distrusts(refused), err)
	case refusesCertificate.MatchString(err.Error()):
		if a.TLS.Cert == "" {
			return fmt.Errorf("this NATS asks its clients for a certificate: name one and its key with --nats-cert FILE and --nats-key FILE (%w)", err)
		}
		return fmt.Errorf("this NATS does not take the certificate in %s: name one that it trusts with --nats-cert FILE and --nats-key FILE (%w)", a.TLS.Cert, err)
	case errors.Is(err, nats.ErrSecureConnWanted):
		return fmt.Errorf("this NATS has no TLS: write nats:// instead of tls:// in its URL, and leave --nats-ca and --nats-cert out (%w)", err)
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked), errors.Is(err, nats.ErrAccountAuthExpired):
		how := "the login in its URL"
		switch {
		case a.Credentials != "":
			how = "the file of --creds, " + a.Credentials
		case a.User != "":
			how = fmt.Sprintf("the user %q", a.User)
		case a.Token != "":
			how = "the token"
		case !strings.Contains(a.URL, "@"):
			return fmt.Errorf("this NATS asks for a login: name a file of credentials with --creds, or a user and password in the URL (%w)", err)
		}
		return fmt.Errorf("this NATS does not let in %s: give one that it knows and that has not expired (%w)", how, err)
	}
	return err
}

// distrusts says what of a server's certificate is not trusted, and the remedy.
func (a Access) distrusts(refused *tls.CertificateVerificationError) string {
	what := "the certificate of this NATS"
	if all := refused.UnverifiedCertificates; len(all) > 0 {
		what += fmt.Sprintf(" (of %.200q, signed by %.200q)", all[0].Subject, all[0].Issuer)
	}
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(refused.Err, &host):
		return what + fmt.Sprintf(" is not for %.100q, under which it is reached: have that name or address in the certificate (subjectAltName), or use one that it has: in the URL, or as `listen` in the file of --nats-config", host.Host)
	case errors.As(refused.Err, &invalid) && invalid.Reason == x509.Expired:
		return what + " has expired or is not valid yet: renew it, or set this host's clock"
	case a.TLS.CA != "":
		return what + fmt.Sprintf(" is not trusted: none of those in %s signed it: name the file with the one that did with --nats-ca", a.TLS.CA)
	}
	return what + " is not trusted: name the file with the certificate that signed it with --nats-ca FILE, or have the system trust that one"
}
