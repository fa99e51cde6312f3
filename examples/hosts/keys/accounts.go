package main

import (
	"fmt"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

// accounts are an operator, its account "frames", and a user of that account with only the
// permissions that servers and clients of frames need.
func accounts() ([]file, error) {
	operator, operatorID, err := keys(nkeys.CreateOperator)
	if err != nil {
		return nil, err
	}
	account, accountID, err := keys(nkeys.CreateAccount)
	if err != nil {
		return nil, err
	}
	user, userID, err := keys(nkeys.CreateUser)
	if err != nil {
		return nil, err
	}

	o := jwt.NewOperatorClaims(operatorID)
	o.Name = "example"
	operatorText, err := o.Encode(operator)
	if err != nil {
		return nil, err
	}
	a := jwt.NewAccountClaims(accountID)
	a.Name = "frames"
	accountText, err := a.Encode(operator)
	if err != nil {
		return nil, err
	}
	u := jwt.NewUserClaims(userID)
	u.Name, u.Expires = "framebuffer", time.Now().Add(life).Unix()
	for _, p := range []*jwt.Permission{&u.Pub, &u.Sub} {
		p.Allow.Add("framebuffer.>", "$SRV.>", "_INBOX.>")
	}
	userText, err := u.Encode(account)
	if err != nil {
		return nil, err
	}
	seed, err := user.Seed()
	if err != nil {
		return nil, err
	}
	creds, err := jwt.FormatUserConfig(userText, seed)
	if err != nil {
		return nil, err
	}
	return []file{
		{"operator.jwt", "the operator that the hub trusts", []byte(operatorText)},
		{"accounts.conf", "the accounts of that operator", fmt.Appendf(nil, "resolver_preload: { %s: %q }\n", accountID, accountText)},
		{"frames.creds", "credentials for servers, clients and leaf nodes", creds},
	}, nil
}

// keys creates a key pair.
func keys(create func() (nkeys.KeyPair, error)) (pair nkeys.KeyPair, public string, err error) {
	if pair, err = create(); err != nil {
		return nil, "", err
	}
	public, err = pair.PublicKey()
	return pair, public, err
}
