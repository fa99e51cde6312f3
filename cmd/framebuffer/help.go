package main

import (
	"errors"
	"slices"

	"github.com/alecthomas/kong"
)

// flagGroups are the headings of flags that several commands share.
func flagGroups() []kong.Group {
	return []kong.Group{
		{Key: "output", Title: "Output:"},
		{Key: "server", Title: "Finding the server:"},
		{Key: "access", Title: "Access:"},
		{Key: "nats", Title: "NATS:"},
		{Key: "hosts", Title: "Other hosts:"},
		{Key: "http", Title: "HTTP:"},
	}
}

// printHelp prints the help of the selected command. It leaves out hidden arguments, which are old
// forms of flags; kong knows only hidden flags.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	if n := ctx.Selected(); n != nil {
		n.Positional = slices.DeleteFunc(n.Positional, func(p *kong.Positional) bool { return p.Tag.Hidden })
	}
	return kong.DefaultHelpPrinter(options, ctx)
}

// commandOf returns the command at whose arguments parsing failed, such as "framebuffer pub", or
// "framebuffer" if no command was recognized.
func commandOf(err error) string {
	var failed *kong.ParseError
	if errors.As(err, &failed) {
		if n := failed.Context.Selected(); n != nil {
			return n.FullPath()
		}
	}
	return "framebuffer"
}
