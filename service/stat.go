package service

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// stat takes nothing and answers the state of the server's segment, a [monitor.Snapshot], as JSON: with
// as many topics as there is room for.
func (s *Service) stat([]byte) ([]byte, error) {
	if _, err := s.figures(); err != nil {
		return nil, err
	}
	ring, err := s.ring()
	if err != nil {
		return nil, err
	}
	seen, err := monitor.Look(ring)
	if err != nil {
		return nil, err
	}
	for {
		text, err := statText(seen)
		if err != nil {
			return nil, fmt.Errorf("stat: %w", err)
		}
		if len(text) <= int(s.nats.MaxPayload())-answerHeaders || len(seen.Topics) == 0 {
			return text, nil
		}
		seen.MoreTopics += len(seen.Topics) - len(seen.Topics)/2
		seen.Topics = seen.Topics[:len(seen.Topics)/2]
	}
}

// statText is a snapshot as JSON with, for one release, the members that stat answered before: those
// with other names, start and head as numbers, and nanoseconds.
func statText(s *monitor.Snapshot) ([]byte, error) {
	all, err := membersOf(s)
	if err != nil {
		return nil, err
	}
	var clients []map[string]any
	for i := range s.Clients {
		one, err := membersOf(&s.Clients[i])
		if err != nil {
			return nil, err
		}
		one["attached_ns"] = s.Clients[i].Attached.Duration()
		clients = append(clients, one)
	}
	all["clients"] = clients
	all["capacity"], all["held"], all["closed"] = s.Capacity, s.Held, s.State != monitor.Open
	all["start"], all["head"], all["age_ns"] = s.Start, s.Head, time.Duration(s.Age*1e9)
	return json.Marshal(all)
}

// membersOf returns the members of a value's JSON.
func membersOf(of any) (map[string]any, error) {
	text, err := json.Marshal(of)
	if err != nil {
		return nil, err
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, err
	}
	all := make(map[string]any, len(raw)+8)
	for name, value := range raw {
		all[name] = value
	}
	return all, nil
}
