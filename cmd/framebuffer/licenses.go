package main

import "github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/notices"

type licensesCmd struct{}

// Help is shown below the flags.
func (licensesCmd) Help() string {
	return `The texts come with the program: its own license, Go's, and those of each module
that is linked into it, with the notices that these ask to be passed on.`
}

// Run prints them.
func (c *licensesCmd) Run(e *env) error {
	return e.print(struct {
		Modules []string `json:"modules"`
		Text    string   `json:"text"`
	}{notices.Modules(), notices.Text()}, notices.Text())
}
