// Command framebuffer runs a framebuffer server and moves frames from the command line.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/stdio"
	"github.com/core-framebuffer/framebuffer/internal/harmless"
)

const description = `Hands big frames from process to process through shared memory.

A server owns a ring of memory. Writers put frames into it and pass on a small
descriptor; readers turn the descriptor back into exactly the bytes that were
written, or learn that the ring has reused the place: a timeout. The checksum in it
finds accidents, not forgery: writers of a ring are trusted.

  framebuffer demo             see it work
  framebuffer serve &          a server with a ring of 500 MiB
  framebuffer put photo.jpg    prints the frame, one line of JSON
  framebuffer put photo.jpg | framebuffer get - > same.jpg
  framebuffer sub cam > same.mjpeg &
  framebuffer pub cam --mjpeg < clip.mjpeg
  framebuffer stat             what happens in a ring: rates, horizon, clients
  framebuffer web              the same in a browser, with pictures
  framebuffer doctor           what this machine allows, and what to do

Exit status: 0 done, 1 failed, 2 wrong usage or bad input, 3 timeout (a frame is
gone, none came, or a recording lacks some), 4 no server (none found, or the key's
server is gone), 5 not enough memory, 6 no permission.`

// cli is the whole command line.
type cli struct {
	Serve      serveCmd      `cmd:"" help:"Run a server: make the ring and give out its key."`
	Key        keyCmd        `cmd:"" help:"Print the key of the server on this host."`
	Allocate   allocateCmd   `cmd:"" help:"Allocate a chunk and print its offset."`
	Put        putCmd        `cmd:"" help:"Write files into the ring and print their frames."`
	Get        getCmd        `cmd:"" help:"Read a frame back, verified."`
	Pub        pubCmd        `cmd:"" help:"Publish standard input to a topic, frame by frame."`
	Sub        subCmd        `cmd:"" help:"Write a topic's frames to standard output."`
	Stat       statCmd       `cmd:"" help:"Show what happens in a ring: rates, horizon, clients, topics."`
	Web        webCmd        `cmd:"" help:"Show a ring in a browser, with the latest frames as pictures."`
	Topics     topicsCmd     `cmd:"" help:"List the topics and who reads them."`
	Hosts      hostsCmd      `cmd:"" help:"List the servers of all hosts that NATS reaches."`
	Mirror     mirrorCmd     `cmd:"" help:"Have a topic of another host on this one too."`
	Record     recordCmd     `cmd:"" help:"Keep a topic's frames in NATS JetStream."`
	Replay     replayCmd     `cmd:"" help:"Publish a recording's frames again, as they came."`
	Recordings recordingsCmd `cmd:"" help:"List recordings, or delete them."`
	Check      checkCmd      `cmd:"" help:"Look at a server's whole segment for what is not as it should be."`
	Top        topCmd        `cmd:"" help:"Watch it live: the ring, horizon, clients, topics, who is too slow."`
	Doctor     doctorCmd     `cmd:"" help:"Say what this machine or container allows, and what to do."`
	Demo       demoCmd       `cmd:"" help:"Send real pictures between real processes, and check every byte."`
	Licenses   licensesCmd   `cmd:"" help:"Print the licenses of this program and of all that is linked into it."`
	Completion completionCmd `cmd:"" help:"Print a completion script for your shell."`
	DemoPart   demoPartCmd   `cmd:"" hidden:""`

	JSON      bool             `help:"Results and errors as JSON, one object per line."`
	LogFormat string           `enum:"text,json" default:"text" help:"Format of log lines on stderr: ${enum}."`
	LogLevel  slog.Level       `default:"WARN" help:"Least level that is logged: DEBUG, INFO, WARN or ERROR."`
	Version   kong.VersionFlag `help:"Print the version and leave."`
}

// env is what every command gets.
type env struct {
	ctx    context.Context
	in     stdio.File
	out    stdio.File
	err    io.Writer // for what is said beside results: whole lines, from any goroutine
	json   bool
	log    *slog.Logger
	parser *kong.Kong

	logJSON bool // standard error is for lines of JSON
}

// ringSize is what serve makes unless told otherwise.
const ringSize = "500MiB"

func main() { exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is main with an exit status.
func run(args []string, stdin, stdout *os.File, complaints io.Writer) int {
	in, out := stdio.File{File: stdin}, stdio.File{File: stdout}
	if f, ok := complaints.(*os.File); ok {
		complaints = stdio.File{File: f}
	}
	complaints = harmless.Writer{To: complaints}
	var c cli
	left := -1 // the status, where parsing is all that there is to do: help, version
	parser := kong.Must(&c,
		kong.Name("framebuffer"),
		kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
		kong.Vars{"version": version(), "ring_size": ringSize},
		kong.Writers(out, complaints),
		kong.Exit(func(status int) { left = status }),
	)
	k, err := parser.Parse(args)
	if left >= 0 {
		return left
	}
	if err != nil {
		fmt.Fprintf(complaints, "framebuffer: %v\nTry: framebuffer --help\n", err)
		return exitUsage
	}
	ctx, stop := untilSignal()
	defer stop()
	whole := &wholeLines{to: complaints}
	e := &env{
		ctx: ctx, in: in, out: out, err: whole, json: c.JSON, parser: parser, logJSON: c.LogFormat == "json",
		log: newLogger(whole, c.LogFormat, c.LogLevel),
	}
	return e.report(whole, e.interrupted(k.Run(e)))
}

func newLogger(w io.Writer, format string, level slog.Level) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if format == "json" { // for collectors, to which the process must say who it is
		return slog.New(slog.NewJSONHandler(w, opts)).With("service.name", "framebuffer", "service.version", strings.TrimPrefix(version(), "framebuffer "), "process.pid", os.Getpid())
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "framebuffer (built without version)"
	}
	return "framebuffer " + info.Main.Version
}
