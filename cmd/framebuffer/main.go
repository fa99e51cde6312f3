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

const description = `Passes big frames from process to process through shared memory.

A server owns a ring of memory. Writers put frames into the ring and send a small
descriptor. Readers turn the descriptor back into exactly the bytes that were written,
or get a timeout if the ring has overwritten them. The checksum detects accidents, not
forgery: readers trust the writers of a ring.

  framebuffer demo             see it work
  framebuffer serve            run a server with a ring of 500 MiB

In another terminal:

  framebuffer put photo.jpg    prints the frame, one line of JSON
  framebuffer put photo.jpg | framebuffer get - > same.jpg
  framebuffer sub cam > same.mjpeg &
  framebuffer pub cam --mjpeg --wait 1 < clip.mjpeg
  framebuffer stat             rates, horizon and clients of the ring
  framebuffer web              the same in a browser, with pictures
  framebuffer doctor           what this machine allows, with remedies

Exit status: 0 success, 1 failure, 2 wrong usage or bad input, 3 timeout (a frame
was overwritten, none came, or a recording lacks frames), 4 no server (none found,
or the server of the key has ended), 5 not enough memory, 6 no permission.`

// cli is the whole command line.
type cli struct {
	Serve      serveCmd      `cmd:"" help:"Run a server: create a ring and give out its key."`
	Key        keyCmd        `cmd:"" help:"Print the key of this host's server."`
	Allocate   allocateCmd   `cmd:"" help:"Allocate a chunk of the ring and print its offset."`
	Put        putCmd        `cmd:"" help:"Write files into the ring and print their frames."`
	Get        getCmd        `cmd:"" help:"Read a frame and verify its bytes."`
	Pub        pubCmd        `cmd:"" help:"Publish standard input to a topic, frame by frame."`
	Sub        subCmd        `cmd:"" help:"Write a topic's frames to standard output."`
	Stat       statCmd       `cmd:"" help:"Show the state of a ring: rates, horizon, clients, topics."`
	Web        webCmd        `cmd:"" help:"Show a ring in a browser, with the latest frames as pictures."`
	Topics     topicsCmd     `cmd:"" help:"List topics and their subscribers."`
	Hosts      hostsCmd      `cmd:"" help:"List the servers of all hosts that NATS reaches."`
	Mirror     mirrorCmd     `cmd:"" help:"Mirror a topic from another host."`
	Record     recordCmd     `cmd:"" help:"Record a topic in NATS JetStream."`
	Replay     replayCmd     `cmd:"" help:"Replay a recording to a topic."`
	Recordings recordingsCmd `cmd:"" help:"List or delete recordings."`
	Check      checkCmd      `cmd:"" help:"Check the integrity of a segment."`
	Top        topCmd        `cmd:"" help:"Watch a ring in the terminal: clients, topics, slow readers."`
	Doctor     doctorCmd     `cmd:"" help:"Check what this machine or container allows, with remedies."`
	Bench      benchCmd      `cmd:"" help:"Measure this machine: copies, frames, latency, streams."`
	Demo       demoCmd       `cmd:"" help:"Send pictures between processes and compare every byte."`
	Licenses   licensesCmd   `cmd:"" help:"Print the licenses of this program and its dependencies."`
	Completion completionCmd `cmd:"" help:"Print a completion script for a shell."`
	DemoPart   demoPartCmd   `cmd:"" hidden:""`
	BenchPart  benchPartCmd  `cmd:"" hidden:""`

	JSON      bool             `group:"output" help:"Print results and errors as JSON, one object per line."`
	LogFormat string           `group:"output" enum:"text,json" default:"text" help:"Format of log lines on stderr: text or json."`
	LogLevel  slog.Level       `group:"output" default:"WARN" help:"Lowest level that is logged: DEBUG, INFO, WARN or ERROR."`
	Version   kong.VersionFlag `group:"output" help:"Print the version and exit."`
}

// env is what a command's Run gets.
type env struct {
	ctx    context.Context // ends with the first signal
	in     stdio.File
	out    stdio.File
	err    io.Writer // remarks beside the results; each Write is one whole line, from any goroutine
	json   bool
	log    *slog.Logger
	parser *kong.Kong

	logJSON bool // every line on standard error must be JSON
}

// ringSize is the default of serve --size.
const ringSize = "500MiB"

func main() { exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run runs the command line args and returns the exit status.
func run(args []string, stdin, stdout *os.File, stderr io.Writer) int {
	in, out := stdio.File{File: stdin}, stdio.File{File: stdout}
	if f, ok := stderr.(*os.File); ok {
		stderr = stdio.File{File: f}
	}
	stderr = harmless.Writer{To: stderr}
	var c cli
	parser, parsed := newParser(&c, out, stderr)
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if *parsed >= 0 {
		return *parsed
	}
	if err != nil {
		fmt.Fprintf(stderr, "framebuffer: %v\nTry: %s --help\n", err, commandOf(err))
		return exitUsage
	}
	ctx, stop := untilSignal()
	defer stop()
	whole := &wholeLines{to: stderr}
	e := &env{
		ctx: ctx, in: in, out: out, err: whole, json: c.JSON, parser: parser,
		logJSON: c.LogFormat == "json", log: newLogger(whole, c.LogFormat, c.LogLevel),
	}
	return e.report(whole, e.interrupted(k.Run(e)))
}

// newParser returns the parser of the command line. A flag that ends the command while the line is
// parsed, such as --help, stores the exit status in parsed, which is -1 before.
func newParser(c *cli, stdout, stderr io.Writer) (parser *kong.Kong, parsed *int) {
	parsed = new(int)
	*parsed = -1
	return kong.Must(c,
		kong.Name("framebuffer"),
		kong.Description(description),
		kong.Help(printHelp),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
		kong.ExplicitGroups(flagGroups()),
		kong.Vars{"version": version(), "ring_size": ringSize},
		kong.Writers(stdout, stderr),
		kong.Exit(func(status int) { *parsed = status }),
	), parsed
}

// newLogger returns the logger of --log-format and --log-level. JSON lines go to log collectors and
// so name the process.
func newLogger(w io.Writer, format string, level slog.Level) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts)).With("service.name", "framebuffer",
			"service.version", strings.TrimPrefix(version(), "framebuffer "), "process.pid", os.Getpid())
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// version returns the line that --version prints.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "framebuffer (built without version)"
	}
	return "framebuffer " + info.Main.Version
}
