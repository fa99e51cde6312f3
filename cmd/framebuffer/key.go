package main

type keyCmd struct{ lookup }

// Help is shown below the flags.
func (keyCmd) Help() string {
	return `Other programs attach with the key: framebuffer.Attach in Go, FrameBufferClient in
Python. A process with the key and access to the memory can read and overwrite every
frame.`
}

// Run prints the key.
func (c *keyCmd) Run(e *env) error {
	key, err := c.key(e)
	if file := c.elsewhere(err); file != "" {
		key, err = byFile(e, file, func(key string) (string, error) { return key, nil })
	}
	if err != nil {
		return err
	}
	return e.print(map[string]string{"key": key}, key)
}
