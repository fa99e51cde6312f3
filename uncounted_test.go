package framebuffer

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// WriteUncounted is Write but for its counting, for BenchmarkCounting to compare with.
func (c *Client) WriteUncounted(offset uint64, data []byte) (Checksum, error) {
	if c.segment.ReadOnly {
		return 0, c.denied("write")
	}
	s := c.segment
	if err := s.CheckOpen(); err != nil {
		return 0, err
	}
	place, err := s.Ring.Writable(offset, len(data))
	if err != nil {
		return 0, s.Fail(err)
	}
	sum, err := s.Ring.Copy(place, offset, data)
	if err != nil || s.Closed() {
		return 0, s.Fail(err)
	}
	return Checksum(sum), nil
}

// ReadIntoUncounted is ReadInto but for its counting.
func (c *Client) ReadIntoUncounted(dst []byte, offset uint64, sum Checksum) error {
	s := c.segment
	if err := s.CheckOpen(); err != nil {
		return err
	}
	if err := s.Ring.Read(dst, offset, uint64(sum)); err != nil {
		return s.Fail(err)
	}
	return nil
}

// Counting is all that these leave out: else the benchmark compares with something else.
func TestUncountedIsTheSame(t *testing.T) {
	real, err1 := os.ReadFile("client.go")
	bare, err2 := os.ReadFile("uncounted_test.go")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	notCounting := regexp.MustCompile(`(?m)^\t(//.*|s\.Slot\.Count\(.*)\n`)
	body := func(source []byte, name string) string {
		_, text, found := strings.Cut(string(source), "func (c *Client) "+name+"(")
		text, _, ended := strings.Cut(text, "\n}\n")
		if !found || !ended {
			t.Fatalf("no %s", name)
		}
		return text
	}
	for _, name := range []string{"Write", "ReadInto"} {
		counted, uncounted := body(real, name), body(bare, name+"Uncounted")
		if !strings.Contains(counted, "s.Slot.Count(") || notCounting.ReplaceAllString(counted, "") != uncounted {
			t.Errorf("%sUncounted is not %s without counting:\n%s", name, name, uncounted)
		}
	}
}
