package remote

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// What servers say of themselves is read, and what none says is refused.
func TestReadHost(t *testing.T) {
	begin := `{"id":"A","host":"far","name":"x"`
	mirror := `{"topic":"cam","from":"any","state":"looking","why":"` + strings.Repeat("w", 2*wire.MaxText) + `"}`
	for text, ok := range map[string]bool{
		begin + `}`:  true,
		`{"id":"A"}`: true,
		begin + `,"topics":[{"name":"cam","published":1},{"name":",,,,,,,,,,,,,,,,,,,,"}],"mirrors":[` + mirror + `]}`: true,
		begin + `,"topics":[{"name":"\",,,,,,,,,,,,,,,\\"}]}`:                                                          true,
		begin + `,"topics":[{"name":""}]}`:                                                                             false,
		begin + `,"topics":[{},{},{},{},{},{},{},{},{},{},{},{},{},{}]}`:                                               false,
		begin + `,"topics":[null,null,null,null,null,null,null,null,null,null,null,null]}`:                             false,
		begin + `,"mirrors":[{"topic":"cam"}]}`:                                                                        false,
		`{"id":"A B","host":"far","name":"x"}`:                                                                         false,
		`{"id":"A","host":"\u001b[2J","name":"x"}`:                                                                     true,
		strings.Repeat(`[`, 20_000):                                                                                    false,
		``:                                                                                                             false,
	} {
		h, err := ParseHost([]byte(text), len(text))
		if (err == nil) != ok {
			t.Errorf("%.100s: %+v, %v", text, h, err)
		}
		for _, m := range h.Mirrors {
			if len(m.Why) != wire.MaxText {
				t.Errorf("%d bytes of a reason are kept", len(m.Why))
			}
		}
		if _, err := ParseHost([]byte(text), len(text)-1); err == nil {
			t.Errorf("%.100s: longer than it may be", text)
		}
	}
}

// A server's own figures are dense enough to be read.
func TestFiguresAreNotSparse(t *testing.T) {
	s, err := framebuffer.NewServer(1<<16, &framebuffer.ServerOptions{Name: "s"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 20 {
		c, err := framebuffer.Attach(s.Key(), &framebuffer.ClientOptions{Name: "c"})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	text, err := json.Marshal(s.Stats())
	if err != nil {
		t.Fatal(err)
	}
	if err := wire.CheckDense(text); err != nil {
		t.Errorf("%v: %s", err, text)
	}
	if err := wire.CheckDense([]byte(`{"clients":[` + strings.Repeat(`{},`, 1000) + `{}]}`)); err == nil {
		t.Error("a list of nothing is read")
	}
}
