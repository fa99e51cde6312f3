package main

type keyCmd struct{ lookup }

// Help is shown below the flags.
func (keyCmd) Help() string {
	return `The key is what other programs attach with: framebuffer.Attach in Go,
FrameBufferClient in Python. Whoever has it, and runs as the same user, can read
and spoil every frame.`
}

// Run prints the key.
func (c *keyCmd) Run(e *env) error {
	key, err := c.key(e)
	if err != nil {
		return err
	}
	return e.print(map[string]string{"key": key}, key)
}
