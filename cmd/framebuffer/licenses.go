package main

import "github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/notices"

type licensesCmd struct{}

// Help is shown below the flags.
func (licensesCmd) Help() string {
	return `The texts are part of the program: its own license, Go's, and those of all modules linked
into it.`
}

// Run prints them.
func (c *licensesCmd) Run(e *env) error {
	return e.print(struct {
		Modules []string `json:"modules"`
		Text    string   `json:"text"`
	}{notices.Modules(), notices.Text()}, notices.Text())
}
