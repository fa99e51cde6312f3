package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// roleAsker: URL, what to ask -> the most heap that this process had.
func roleAsker(c *testproc.Child) error {
	nc, err := service.Dial(context.Background(), &service.Options{URL: c.Args[0]})
	if err != nil {
		return err
	}
	defer nc.Close()
	switch c.Args[1] {
	case "hosts":
		_, err = remote.Hosts(context.Background(), nc)
	case "named":
		_, err = remote.Hosts(context.Background(), nc, "far")
	case "mirror":
		err = seekAny(nc)
	}
	if err != nil && !errors.Is(err, remote.ErrTooMany) && !errors.Is(err, service.ErrNoServer) {
		return err
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return c.Send(m.HeapSys)
}

// seekAny has a mirror look for its topic once.
func seekAny(nc *nats.Conn) error {
	s, err := framebuffer.NewServer(1<<16, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	ring, err := framebuffer.Attach(s.Key(), nil)
	if err != nil {
		return err
	}
	defer ring.Close()
	m, err := remote.NewMirror(nc, ring, &remote.MirrorOptions{Topic: "cam"})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx) }()
	for m.Stats().Why == "" && m.Stats().Host == "" {
		time.Sleep(time.Millisecond)
	}
	cancel()
	return <-ended
}

// flood answers each question on a subject so many times, for as long as the test goes on.
func flood(t *testing.T, url, subject string, n int, answer func(i int) []byte) {
	t.Helper()
	nc := natstest.Dial(t, service.Options{URL: url})
	_, err := nc.Subscribe(subject, func(m *nats.Msg) {
		for i := 0; i < n && m.Respond(answer(i)) == nil; i++ {
		}
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever peers answer to a question that any server may answer, the asker's memory stays small.
func TestAnswersOfStrangersAreBounded(t *testing.T) {
	const answers, most = 400, 200 << 20 // 400 answers of 1 MB each are twice that, and lists of nothing more
	long := func(begin, item, end string) []byte {
		n := (1<<20 - 4<<10 - len(begin) - len(end)) / len(item)
		return []byte(begin + strings.TrimSuffix(strings.Repeat(item, n), ",") + end)
	}
	of := func(id int) string { return fmt.Sprintf(`{"id":"PEER%d","host":"far","name":"x"`, id) }
	kinds := map[string]func(id int) []byte{
		"topics":  func(id int) []byte { return long(of(id)+`,"topics":[{"name":"cam"},`, `{"name":"a"},`, `]}`) },
		"nothing": func(id int) []byte { return long(of(id)+`,"topics":[{"name":"cam"},`, `{},`, `]}`) },
		"text":    func(id int) []byte { return long(of(id)+`,"topics":[{"name":"cam"}],"version":"`, "version", `"}`) },
	}
	for asks, subject := range map[string]string{"hosts": "$SRV.PING.framebuffer", "named": "framebuffer.at.far", "mirror": "framebuffer.origin"} {
		for kind, answer := range kinds {
			t.Run(asks+" "+kind, func(t *testing.T) {
				url := natstest.OwnNATS(t)
				if asks == "hosts" {
					flood(t, url, subject, answers, func(i int) []byte { return fmt.Appendf(nil, `%s}`, of(i)) })
					flood(t, url, "framebuffer.*.about", 1, func(int) []byte { return answer(0) })
				} else {
					text := answer(7)
					flood(t, url, subject, answers, func(i int) []byte {
						return bytes.Replace(text, []byte("PEER7"), fmt.Appendf(nil, "PEER%d", i), 1)
					})
				}
				p := testproc.Start(t, "asker", url, asks)
				var had uint64
				p.Recv(&had)
				p.Done()
				if had > most {
					t.Errorf("the asker had %d MiB", had>>20)
				}
			})
		}
	}
}

// A server lists as many topics as the asker has room for, and says how many more it has.
func TestAnswerKeepsToItsRoom(t *testing.T) {
	url := natstest.OwnNATS(t)
	server, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Topics: 1000})
	if err != nil {
		t.Fatal(err)
	}
	svc, err := service.Serve(context.Background(), server, &service.ServeOptions{URL: url, Name: natstest.Unique(t), Host: "far"})
	if err != nil {
		t.Fatal(errors.Join(err, server.Close()))
	}
	t.Cleanup(func() {
		if err := errors.Join(svc.Close(), server.Close()); err != nil {
			t.Error(err)
		}
	})
	ring := natstest.Attach(t, server.Key())
	for i := range 500 {
		if _, err := topic.NewPublisher(ring, fmt.Sprintf("topic %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	nc := natstest.Dial(t, service.Options{URL: url})
	for _, subject := range []string{"framebuffer.about", "framebuffer.at.far"} {
		for _, room := range []int{0, 100, 4096, 1 << 20} {
			ask := nats.NewMsg(subject)
			ask.Header.Set("Framebuffer-Room", strconv.Itoa(room))
			m, err := nc.RequestMsgWithContext(natstest.Within(t), ask)
			if err != nil || m.Header.Get(micro.ErrorCodeHeader) != "" || len(m.Data) > max(room, 512) {
				t.Fatalf("%s with room for %d: %d bytes, %v", subject, room, len(m.Data), err)
			}
			if left := bytes.Contains(m.Data, []byte("more_topics")); left != (room < 1<<20) {
				t.Errorf("%s with room for %d: %s", subject, room, m.Data)
			}
		}
	}
	all, err := remote.Hosts(natstest.Within(t), nc)
	if err != nil || len(all) != 1 || len(all[0].Topics) != 500 {
		t.Errorf("%d hosts, %v", len(all), err)
	}
}
