package service

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

func (s *Service) addEndpoints() (err error) {
	if s.micro, err = newInstance(s.nats, s.replies, s.log, map[string]string{wire.MetaName: natsconn.NameOrDefault(s.config.Name), wire.MetaHost: s.config.host()}); err != nil {
		return err
	}
	for _, ep := range []struct {
		name string
		do   func([]byte) ([]byte, error)
	}{
		{wire.EndpointKey, s.getKey}, {wire.EndpointAllocate, s.allocate}, {wire.EndpointStat, s.stat}, {wire.EndpointAbout, nil},
	} {
		handler := func(m *nats.Msg) error {
			if ep.do == nil {
				return s.answer(m, func([]byte) ([]byte, error) { return s.about(m) })
			}
			return s.answer(m, ep.do)
		}
		if err := s.micro.add(ep.name, wire.SharedSubject(ep.name), endpointGroup, handler); err != nil {
			return err
		}
		if err := s.micro.add(ep.name+"-own", s.own(ep.name), endpointGroup, handler); err != nil {
			return err
		}
	}
	return s.addLocators()
}

// own returns the subject of an endpoint on which this server alone answers.
func (s *Service) own(name string) string { return wire.OwnSubject(s.micro.Info().ID, name) }

// answer answers a request with the result of do. Its error is a toldError if the client was told of it.
func (s *Service) answer(r *nats.Msg, do func([]byte) ([]byte, error)) error {
	m := nats.NewMsg("") // to where the asker wants it, which was looked at
	result, err := do(r.Data)
	if err != nil {
		m.Header.Set(micro.ErrorCodeHeader, wire.CodeOf(err))
		m.Header.Set(micro.ErrorHeader, err.Error())
		err = &toldError{err}
	}
	m.Header.Set(wire.HeaderID, s.micro.Info().ID)
	m.Data = result
	s.signAnswer(r, m)
	if sent := r.RespondMsg(m); sent != nil {
		return fmt.Errorf("answer on %s: %w", r.Subject, sent)
	}
	return err
}

// getKey takes nothing and answers the key.
func (s *Service) getKey([]byte) ([]byte, error) {
	if _, err := s.figures(); err != nil {
		return nil, err
	}
	return []byte(s.server.Key()), nil
}

// allocate takes a size in decimal and answers an offset in decimal.
func (s *Service) allocate(request []byte) ([]byte, error) {
	size, err := strconv.Atoi(string(request))
	if err != nil {
		return nil, fmt.Errorf("%w: %.40q is no size: send the number of bytes in decimal, such as 1048576", framebuffer.ErrBadSize, request)
	}
	if s.shared() && size > 0 {
		if _, err := s.figures(); err != nil {
			return nil, err
		}
		if err := s.allowance.take(size, time.Now()); err != nil {
			return nil, err
		}
	}
	offset, err := s.server.Allocate(size)
	if err != nil {
		return nil, err
	}
	return strconv.AppendUint(nil, offset, 10), nil
}

// shared reports whether other hosts may reach the service's NATS: all but an embedded one without a
// configuration file.
func (s *Service) shared() bool { return s.config.URL != "" || s.config.NATSConfig != "" }

// figures returns the server's statistics, or an error if it has closed: then they would be zeroes, as
// of an idle server.
func (s *Service) figures() (framebuffer.Stats, error) {
	st := s.server.Stats()
	if st.Capacity == 0 {
		return st, fmt.Errorf("%w: this server has ended: ask for the key of the one that runs now", framebuffer.ErrClosed)
	}
	return st, nil
}

// host returns the configured name of this host, or the system's with the characters replaced that are
// not valid in subjects.
func (c *ServeOptions) host() string {
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
