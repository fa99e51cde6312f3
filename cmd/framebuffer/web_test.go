package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// showing starts `web`, which the cleanup ends, and returns what it printed.
func showing(t *testing.T, args ...string) (s shown) {
	t.Helper()
	announcing(t, &s, append([]string{"web"}, args...)...)
	return s
}

func fetch(t *testing.T, url string) (status int, body string) {
	t.Helper()
	a, err := http.Get(url)
	if err != nil {
		return 0, err.Error() // nobody is there for a moment
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		return 0, err.Error()
	}
	return a.StatusCode, string(b)
}

// until fetches until the answer is as it should be.
func until(t *testing.T, url string, status int, part string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		got, body := fetch(t, url)
		if got == status && strings.Contains(body, part) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %d, %s; want %d, %s", url, got, body, status, part)
		}
	}
}

// The page of a server, found by its name or by its key, and by name of the next one too.
func TestWeb(t *testing.T) {
	name, first, cmd := serving(t, "--size", "1MiB")
	byName, byKey := showing(t, "--name", name), showing(t, first.Key)
	for _, s := range []shown{byName, byKey} {
		until(t, s.HTTP, 200, "<title>framebuffer</title>")
		until(t, s.HTTP+"healthz", 200, "open")
		until(t, s.HTTP+"metrics", 200, "framebuffer_capacity_bytes")
	}
	end(t, cmd)
	until(t, byKey.HTTP+"healthz", 503, "closed")
	again := command("--json", "serve", "--name", name, "--size", "2MiB")
	again.Stderr = os.Stderr
	if err := again.Start(); err != nil {
		t.Fatal(err)
	}
	defer end(t, again)
	until(t, byName.HTTP+"metrics", 200, "framebuffer_capacity_bytes 2.097152e+06")
	until(t, byKey.HTTP+"healthz", 503, "closed")
}

// On all interfaces, the address that is printed works and is not of this machine alone where it has others;
// all that it listens on are printed.
func TestWebOnAllInterfaces(t *testing.T) {
	name, _, _ := serving(t, "--size", "1MiB")
	s := showing(t, "--name", name, "--http", "0.0.0.0:0")
	if len(s.Addresses) == 0 || !strings.HasPrefix(s.HTTP, "http://"+s.Addresses[0]+"/?token=") || strings.Contains(s.HTTP, "0.0.0.0") {
		t.Errorf("%+v", s)
	}
	for _, at := range s.Addresses {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := (&http.Client{Jar: jar}).Get(strings.Replace(s.HTTP, s.Addresses[0], at, 1)) // the token becomes a cookie
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(a.Body); err != nil || a.StatusCode != 200 || !strings.Contains(string(text), "<title>framebuffer</title>") {
			t.Errorf("%s: %s, %v", at, a.Status, err)
		}
		_ = a.Body.Close()
	}
	if text := s.String(); len(s.Addresses) > 1 && !strings.Contains(text, "all interfaces: "+s.Addresses[0]+", ") {
		t.Errorf("%s", text)
	}
}

// end ends a server in order.
func end(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestWebStatuses(t *testing.T) {
	name, _, _ := serving(t, "--size", "1MiB")
	for what, c := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"no server":   {[]string{"web", "--name", name + "y"}, exitNoServer, "framebuffer serve --name " + name + "y"},
		"a bad key":   {[]string{"web", "garbage"}, exitUsage, "not a key"},
		"no address":  {[]string{"web", "--name", name, "--http", "nonsense"}, exitFailed, "nonsense"},
		"no such one": {[]string{"web", "--name", name, "--http", "192.0.2.1:0"}, exitFailed, "192.0.2.1"},
	} {
		if r := runHere(t, "", c.args...); r.status != c.status || !strings.Contains(r.err, c.says) {
			t.Errorf("%s: %+v", what, r)
		}
	}
}
