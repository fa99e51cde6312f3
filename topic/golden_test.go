package topic_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// golden makes the errors of testdata/errors.json happen that are of topics; the Python
// package's tests make them happen too.
type golden struct {
	t      *testing.T
	errors map[string][2]string
	made   map[string]bool
}

func newGolden(t *testing.T) *golden {
	t.Helper()
	text, err := os.ReadFile("../testdata/errors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Errors map[string][2]string }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return &golden{t, file.Errors, map[string]bool{}}
}

// says compares an error with the file's, with values in the place of {names}.
func (g *golden) says(name string, got error, values ...any) {
	g.t.Helper()
	kinds := map[string]error{
		"bad name": topic.ErrBadName, "bad meta": topic.ErrBadMeta, "ended": topic.ErrEnded, "topic limit": topic.ErrTopicLimit,
		"read-only": framebuffer.ErrReadOnly, "bad key": framebuffer.ErrBadKey, "timeout": framebuffer.ErrTimeout, "closed": framebuffer.ErrClosed,
	}
	name = "topic: " + name
	want := g.errors[name]
	var old []string
	for i := 0; i < len(values); i += 2 {
		old = append(old, fmt.Sprintf("{%s}", values[i]), fmt.Sprint(values[i+1]))
	}
	if text := strings.NewReplacer(old...).Replace(want[1]); got == nil || got.Error() != text {
		g.t.Errorf("%s:\n got %v\nwant %s", name, got, text)
	}
	if kind := kinds[want[0]]; kind == nil || !errors.Is(got, kind) {
		g.t.Errorf("%s: %v is no %q", name, got, want[0])
	}
	g.made[name] = true
}

// The errors that people see are the same in every language.
func TestGoldenErrors(t *testing.T) {
	g := newGolden(t)
	server, c := serve(t, 1<<20, &framebuffer.ServerOptions{Topics: 1})
	_, err := topic.Subscribe(c, "", nil)
	g.says("no name", err)
	long := strings.Repeat("x", 65)
	_, err = topic.NewPublisher(c, long)
	g.says("long name", err, "name", long)
	_, err = topic.Subscribe(c, "cam", &topic.SubscribeOptions{Group: "a\nb"})
	g.says("group with a control character", err)
	r, err := framebuffer.Attach(server.Key(), &framebuffer.ClientOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = topic.NewPublisher(r, "cam")
	g.says("publish read-only", err)

	pub, sub := publisher(t, c, "cam"), subscribe(t, c, "cam", nil)
	goldenOfPublishing(g, c, pub)
	_, err = topic.NewPublisher(c, "more")
	g.says("no room for another topic", err)
	for n := range 128 {
		subscribe(t, c, "cam", &topic.SubscribeOptions{Group: fmt.Sprint("g", n)})
	}
	_, err = topic.Subscribe(c, "cam", &topic.SubscribeOptions{Group: "more"})
	g.says("no room for another group", err)

	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := pub.End(); err != nil {
		t.Fatal(err)
	}
	_, err = pub.Publish([]byte("x"), nil)
	g.says("publish after the end", err)
	_, err = sub.Next(ctx)
	g.says("everything has been seen", err)
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = sub.Next(ctx)
	g.says("subscription closed", err)
	last := subscribe(t, c, "cam", nil)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = last.Next(ctx)
	g.says("wait after the server's end", err)
	for name := range g.errors {
		if strings.HasPrefix(name, "topic: ") && !g.made[name] {
			t.Errorf("nobody makes %q happen", name)
		}
	}
}

func goldenOfPublishing(g *golden, c *framebuffer.Client, pub *topic.Publisher) {
	f, err := c.Put(make([]byte, 100))
	if err != nil {
		g.t.Fatal(err)
	}
	elsewhere := f
	elsewhere.Key = "elsewhere"
	_, err = pub.PublishFrame(elsewhere, nil, time.Time{})
	g.says("frame of another ring", err, "key", c.Key())
	long := strings.Repeat("x", 49)
	for name, m := range map[string]topic.Meta{
		"long content type":      {ContentType: long},
		"format that is no text": {Format: "a\x00b"},
		"too many dimensions":    {Shape: make([]int, 9)},
		"too much user data":     {User: make([]byte, 65)},
		"negative width":         {Width: -1},
	} {
		_, err = pub.PublishFrame(f, &m, time.Time{})
		g.says(name, err, "long", long)
	}
	if _, err := c.Allocate(1<<20 - 64); err != nil {
		g.t.Fatal(err)
	}
	st := c.Stats()
	_, err = pub.PublishFrame(f, nil, time.Time{})
	g.says("publish too late", err, "capacity", st.Capacity, "behind", st.Head-(f.Offset-64), "offset", f.Offset)
}
