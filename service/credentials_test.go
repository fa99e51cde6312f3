package service_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/jwt/v2"
	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// guardedNATS is the user's own NATS with accounts, as an operator sets it up, and the path
// of a credentials file that lets one user in.
func guardedNATS(t *testing.T) (url, creds string) {
	t.Helper()
	operator, operatorKey := newKey(t, nkeys.CreateOperator)
	account, accountKey := newKey(t, nkeys.CreateAccount)
	user, userKey := newKey(t, nkeys.CreateUser)

	accountToken, err := jwt.NewAccountClaims(accountKey).Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	userToken, err := jwt.NewUserClaims(userKey).Encode(account)
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.FormatUserConfig(userToken, seed)
	if err != nil {
		t.Fatal(err)
	}
	creds = filepath.Join(t.TempDir(), "user.creds")
	if err := os.WriteFile(creds, text, 0o600); err != nil {
		t.Fatal(err)
	}
	resolver := &natsserver.MemAccResolver{}
	if err := resolver.Store(accountKey, accountToken); err != nil {
		t.Fatal(err)
	}
	return natstest.RunNATS(t, &natsserver.Options{TrustedKeys: []string{operatorKey}, AccountResolver: resolver}), creds
}

func newKey(t *testing.T, create func() (nkeys.KeyPair, error)) (nkeys.KeyPair, string) {
	t.Helper()
	pair, err := create()
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return pair, public
}

// Server and clients get into a NATS of the user's own with a credentials file; clients on
// the same host learn of the file from the server, and nobody gets in without it.
func TestCredentialsFile(t *testing.T) {
	url, creds := guardedNATS(t)
	name := natstest.Unique(t)
	server, _ := natstest.Serve(t, service.ServeOptions{Name: name, URL: url, Credentials: creds})
	for how, opts := range map[string]service.Options{
		"by URL and file": {URL: url, Credentials: creds},
		"by name":         {Name: name},
	} {
		c := natstest.Connect(t, opts)
		if key, err := c.GetKey(natstest.Within(t)); err != nil || key != server.Key() {
			t.Errorf("%s: %q, %v", how, key, err)
		}
	}
	if c, err := service.Connect(natstest.Within(t), &service.Options{URL: url}); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("without the file: %v, %v", c, err)
	}
}
