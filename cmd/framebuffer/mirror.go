package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
)

type mirrorCmd struct {
	Topic    string   `arg:"" help:"Topic to mirror in the ring of this host's server."`
	From     string   `default:"any" help:"Host to mirror from, or the name or ID of its server; any: the host with the newest frame."`
	Every    int      `help:"Mirror every Nth frame." placeholder:"N"`
	Rate     float64  `help:"Mirror at most this many frames a second." placeholder:"FPS"`
	OnDemand bool     `help:"Mirror only while the topic has subscriptions on this host."`
	Window   byteSize `help:"Maximum of bytes in flight: on a long fast line, its rate times its round trip (default 4MiB)." placeholder:"SIZE"`
	trusting
	following
	lookup
}

// Help is shown below the flags.
func (mirrorCmd) Help() string {
	return `The frames appear in the topic of the same name on this host, with the same sequence
numbers, times and metadata. They cross the network once for all subscriptions here.
mirror runs until a signal. It looks for the host again when the host is away, and
continues with the next server of this host when this one has ended. The publisher does
not wait: frames that the network is too slow for are lost. Subscriptions see gaps in the
sequence numbers for those, and for frames that --every and --rate leave out.

At the end, a line on stderr says how many frames and bytes came and how many were lost;
--json also prints all counters on stdout. With --trust, only frames that one of these
servers has signed are mirrored, and "any" means any of these servers.

  framebuffer mirror cam --from camhost --every 10

serve --mirror does the same inside the server:

  framebuffer serve --mirror cam@camhost,every=10,on-demand`
}

// Run mirrors the topic until a signal comes.
func (c *mirrorCmd) Run(e *env) error {
	start := time.Now()
	trust, err := c.keys()
	if err != nil {
		return err
	}
	var s remote.MirrorStats
	err = c.sessions(e, wire.MirrorClientName(c.Topic), c.following, func(client *service.Client, ring *framebuffer.Client, _ bool) error {
		m, err := remote.NewMirror(client.NATS(), ring, &remote.MirrorOptions{
			Topic: c.Topic, From: c.From, Every: c.Every, Rate: c.Rate, OnDemand: c.OnDemand, Window: int(c.Window), Trust: trust, Self: client.ServerID(), Logger: e.log,
		})
		if err != nil {
			return err
		}
		came := e.waitingFor(func() string {
			if s := m.Stats(); s.State == remote.MirrorLooking && s.Starts == 0 {
				return fmt.Sprintf("topic %q of %s: %s", c.Topic, c.whose(), s.Why)
			}
			return ""
		})
		err = m.Run(e.ctx)
		came()
		one := m.Stats()
		one.Frames, one.Bytes, one.Starts = one.Frames+s.Frames, one.Bytes+s.Bytes, one.Starts+s.Starts
		one.Lost, one.LeftOut, one.Refused = one.Lost+s.Lost, one.LeftOut+s.LeftOut, one.Refused+s.Refused
		s = one
		return err
	})
	if s.Topic == "" { // it did not begin
		return err
	}
	defer e.total(totals{
		command: "mirror", name: c.Topic, topic: c.Topic, frames: s.Frames, bytes: s.Bytes, lost: s.Lost + s.Refused,
		of: []tally{{"refused", s.Refused}}, leftOut: s.LeftOut, start: start,
	})
	if s.Lost+s.Refused > 0 {
		e.log.Warn("frames were lost: the line, or this host, was too slow for them or cut off", "framebuffer.topic", c.Topic, "framebuffer.lost", s.Lost, "framebuffer.refused", s.Refused, "framebuffer.frames", s.Frames)
	}
	if e.json {
		err = errors.Join(err, e.print(s, ""))
	}
	return err
}

// whose returns a description of the host that has the topic.
func (c *mirrorCmd) whose() string {
	if c.From == remote.AnyHost {
		return "any host"
	}
	return strconv.Quote(c.From)
}

// parseMirror parses TOPIC@HOST,OPTION,…. Without @HOST any host is meant. The topic may contain
// commas and, if @HOST is given, the @ sign.
func parseMirror(s string) (m remote.MirrorOptions, err error) {
	m.Topic, m.From = s, remote.AnyHost
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return m, nil
	}
	words := strings.Split(s[at+1:], ",")
	m.Topic, m.From = s[:at], words[0]
	for _, word := range words[1:] {
		name, value, given := strings.Cut(word, "=")
		switch name {
		case "every":
			m.Every, err = strconv.Atoi(value)
		case "rate":
			m.Rate, err = strconv.ParseFloat(value, 64)
		case "window":
			var window byteSize
			err = window.UnmarshalText([]byte(value))
			m.Window = int(window)
		case "on-demand":
			if m.OnDemand = true; given {
				err = errors.New("it takes no value")
			}
		default:
			err = errors.New("no such option")
		}
		if err != nil {
			return m, fmt.Errorf("%w: --mirror %s: %q: %w: behind the host there may be every=N, rate=FPS, window=SIZE and on-demand", errUsage, s, word, err)
		}
	}
	return m, nil
}

// mirrorText formats a mirror's state and counters.
func mirrorText(m remote.MirrorStats) string {
	s := fmt.Sprintf("%s@%s: %s", text(m.Topic), text(m.From), m.State)
	if m.Host != "" {
		s += ", of " + text(m.Host)
	}
	s += fmt.Sprintf(", %s of %s, %s lost", many(int(m.Frames), "frame"), humanize.Bytes(m.Bytes), number(m.Lost))
	if m.Refused > 0 {
		s += fmt.Sprintf(", %s refused", number(m.Refused))
	}
	if m.Why != "" {
		s += ": " + text(m.Why)
	}
	return s
}
