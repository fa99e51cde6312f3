package main

import (
	"fmt"
	"math"
	"strconv"
)

type allocateCmd struct {
	Size byteSize `arg:"" help:"Bytes, such as 6220800 or 2MiB."`
	reach
}

// Help is shown below the flags.
func (allocateCmd) Help() string {
	return `Allocates that many bytes of the ring, overwriting the oldest frames, for a program
that writes them itself. To write a file, use put.`
}

// Run prints the offset.
func (c *allocateCmd) Run(e *env) error {
	if c.Size > math.MaxInt {
		return fmt.Errorf("%w: size %d does not fit an int", errUsage, c.Size)
	}
	client, err := c.attach(e)
	if err != nil {
		return err
	}
	defer client.Close()
	offset, err := client.Allocate(int(c.Size))
	if err != nil {
		return err
	}
	text := strconv.FormatUint(offset, 10)
	return e.print(map[string]string{"offset": text}, text)
}
