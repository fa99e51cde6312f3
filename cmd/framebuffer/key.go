package main

import "github.com/core-framebuffer/framebuffer/service"

type keyCmd struct {
	Name  string `help:"Name of the server on this host." env:"FRAMEBUFFER_NAME" default:"default"`
	NATS  string `name:"nats" help:"Ask the server through your own NATS at this URL." env:"FRAMEBUFFER_NATS" placeholder:"URL"`
	Creds string `help:"NATS credentials file for that URL." env:"FRAMEBUFFER_CREDS" type:"existingfile" placeholder:"FILE"`
}

// Help is shown below the flags.
func (keyCmd) Help() string {
	return `The key is what other programs attach with: framebuffer.Attach in Go,
FrameBufferClient in Python. Whoever has it, and runs as the same user, can read
and spoil every frame.`
}

// Run prints the key.
func (c *keyCmd) Run(e *env) error {
	client, err := service.Connect(e.ctx, &service.Options{Name: c.Name, URL: c.NATS, Credentials: c.Creds, Logger: e.log})
	if err != nil {
		return err
	}
	defer client.Close()
	return e.print(map[string]string{"key": client.Key()}, client.Key())
}
