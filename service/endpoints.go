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

// own is the subject on which this server alone is asked for something.
func (s *Service) own(name string) string { return wire.OwnSubject(s.micro.Info().ID, name) }

// answer answers with what do makes of a request. Its error is a toldError when the asker was told.
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
	return []byte(s.config.Server.Key()), nil
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
	offset, err := s.config.Server.Allocate(size)
	if err != nil {
		return nil, err
	}
	return strconv.AppendUint(nil, offset, 10), nil
}

// shared reports whether the service's NATS may be joined to those of other hosts. Only the
// embedded one without a file is not.
func (s *Service) shared() bool { return s.config.URL != "" || s.config.NATSConfig != "" }

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
