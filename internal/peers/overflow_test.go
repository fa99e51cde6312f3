package peers

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func TestOverflow(t *testing.T) {
	const all, few = "         0          0 4294967295\n", "         0     100000      65536\n"
	for what, c := range map[string]struct {
		files map[string]string
		want  Overflow
	}{
		"the first namespace": {map[string]string{"uid_map": all, "gid_map": all}, Overflow{-1, -1}},
		"in two parts": {map[string]string{
			"uid_map": "0 1 1\n1 0 1\n2 2 4294967293\n", "gid_map": "0 1 1\n2 2 4294967293\n",
		}, Overflow{-1, 65534}},
		"a container":          {map[string]string{"uid_map": few, "gid_map": few}, Overflow{65534, 65534}},
		"no map yet":           {map[string]string{"uid_map": "", "gid_map": all}, Overflow{65534, -1}},
		"another overflow uid": {map[string]string{"uid_map": few, "gid_map": all, "overflowuid": "7\n"}, Overflow{7, -1}},
		"no /proc":             {nil, Overflow{65534, 65534}},
	} {
		root := fstest.MapFS{}
		for name, text := range c.files {
			dir := "proc/self/"
			if name == "overflowuid" {
				dir = "proc/sys/kernel/"
			}
			root[dir+name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := overflowing(root); got != c.want {
			t.Errorf("%s: %+v, not %+v", what, got, c.want)
		}
	}
}

// roleTrust: -> the users that are trusted.
func roleTrust(c *testproc.Child) error {
	var all []int
	for _, uid := range []int{0, 1, 5000, 65534} {
		if Trusted(uid) {
			all = append(all, uid)
		}
	}
	return c.Send(fmt.Sprint(all))
}

func TestTrusted(t *testing.T) {
	testproc.NeedRoot(t)
	for _, c := range []struct {
		as   testproc.Option
		want string
	}{
		{testproc.As(0, 0), "[0]"}, {testproc.As(5000, 5000), "[0 5000]"}, {testproc.As(65534, 65534), "[0 65534]"},
		{testproc.InUserNamespace(1, 1, 5000, 5000), "[0 1]"}, {testproc.InUserNamespace(65534, 65534, 5000, 5000), "[0]"},
	} {
		p := testproc.StartWith(t, []testproc.Option{c.as}, "trust")
		var got string
		p.Recv(&got)
		p.Done()
		if got != c.want {
			t.Errorf("%s, not %s", got, c.want)
		}
	}
}
