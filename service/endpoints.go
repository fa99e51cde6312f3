package service

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"

	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer"
)

// The endpoints, by their names. Each answers on two subjects: framebuffer.NAME, which all
// servers of one NATS share (any of them answers), and framebuffer.ID.NAME, ID being the
// instance's: a client that knows its server asks that one. Others are in locate.go and streams.go.
const (
	serviceName    = "framebuffer"
	epKey          = "get_key"
	epAllocate     = "allocate"
	epStat         = "stat"
	epAbout        = "about"
	startedSubject = serviceName + ".started"
	stoppedSubject = serviceName + ".stopped"
)

// metaName and metaHost are the server's and the host's name in what the micro service
// protocol shows of an instance.
const (
	metaName = "name"
	metaHost = "host"
)

func (s *Service) addEndpoints() error {
	svc, err := micro.AddService(s.nats, micro.Config{
		Name:        serviceName,
		Version:     Version,
		Description: "frames through shared memory: the key to attach with, allocation, figures",
		Metadata:    map[string]string{metaName: orDefault(s.config.Name), metaHost: s.config.host()},
		ErrorHandler: func(_ micro.Service, err *micro.NATSError) {
			s.log.Warn("endpoint failed", "error.message", err)
		},
	})
	if err != nil {
		return fmt.Errorf("service: add to NATS: %w", err)
	}
	s.micro = svc
	all, own := svc.AddGroup(serviceName), svc.AddGroup(serviceName+"."+svc.Info().ID)
	for _, ep := range []struct {
		name string
		do   func([]byte) ([]byte, error)
	}{
		{epKey, s.getKey}, {epAllocate, s.allocate}, {epStat, s.stat}, {epAbout, s.about},
	} {
		handler := micro.HandlerFunc(func(r micro.Request) { s.answer(r, ep.do) })
		if err := all.AddEndpoint(ep.name, handler); err != nil {
			return fmt.Errorf("service: endpoint %s: %w", ep.name, err)
		}
		if err := own.AddEndpoint(ep.name+"-own", handler, micro.WithEndpointSubject(ep.name)); err != nil {
			return fmt.Errorf("service: endpoint %s: %w", ep.name, err)
		}
	}
	return s.addLocators(all)
}

// idHeader tells which instance answered: on a NATS with several, a foreign program that got
// a key from one asks that one for its offsets.
const idHeader = "Framebuffer-Id"

func (s *Service) answer(r micro.Request, do func([]byte) ([]byte, error)) {
	id := micro.WithHeaders(micro.Headers{idHeader: {s.micro.Info().ID}})
	result, err := do(r.Data())
	if err != nil {
		err = r.Error(wordFor(err), err.Error(), nil, id)
	} else {
		err = r.Respond(result, id)
	}
	if err != nil {
		s.log.Warn("an answer was not sent", "messaging.destination.name", r.Subject(), "error.message", err)
	}
}

// getKey takes nothing and answers the key.
func (s *Service) getKey([]byte) ([]byte, error) {
	if _, err := s.figures(); err != nil {
		return nil, err
	}
	return []byte(s.config.Server.Key()), nil
}

// allocate takes a size in decimal and answers an offset in decimal.
func (s *Service) allocate(request []byte) ([]byte, error) {
	size, err := strconv.Atoi(string(request))
	if err != nil {
		return nil, fmt.Errorf("%w: %.40q is no size: send the number of bytes in decimal, such as 1048576", framebuffer.ErrBadSize, request)
	}
	offset, err := s.config.Server.Allocate(size)
	if err != nil {
		return nil, err
	}
	return strconv.AppendUint(nil, offset, 10), nil
}

// stat takes nothing and answers framebuffer.Stats as JSON.
func (s *Service) stat([]byte) ([]byte, error) {
	st, err := s.figures()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(st)
	if err != nil {
		return nil, fmt.Errorf("stat: %w", err)
	}
	return text, nil
}

// figures are those of a server that has not closed; after that they would be zeroes, which
// look like an idle one.
func (s *Service) figures() (framebuffer.Stats, error) {
	st := s.config.Server.Stats()
	if st.Capacity == 0 {
		return st, fmt.Errorf("%w: this server has ended: ask for the key of the one that runs now", framebuffer.ErrClosed)
	}
	return st, nil
}

// host is the host's name, as it was given or as the system has it. The latter may have
// characters that are not for subjects and options, and may be none.
func (c *Config) host() string {
	if c.Host != "" {
		return c.Host
	}
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "unknown"
	}
	return notInNames.ReplaceAllString(name[:min(len(name), 64)], "-")
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9.-]`)
