package web

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strconv"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func TestMain(m *testing.M) { testproc.Main(m, testproc.Roles{"get": roleGet}) }

// roleGet: URL [FROM]; -> status, over a connection from that address
func roleGet(c *testproc.Child) error {
	client := http.DefaultClient
	if len(c.Args) > 1 {
		dialer, err := dialerFrom(c.Args[1])
		if err != nil {
			return err
		}
		client = &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}}
	}
	r, err := client.Get(c.Args[0])
	if err != nil {
		return err
	}
	defer r.Body.Close()
	return c.Send(r.StatusCode)
}

// watched is a server with a ring of its own, and who watches it; both end with the test.
func watched(t testing.TB, size int64) (*framebuffer.Server, *monitor.Monitor) {
	t.Helper()
	fb, err := framebuffer.NewServer(size, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fb.Close() })
	m, err := monitor.Attach(fb.Key())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return fb, m
}

// show serves a new segment at an address until the test ends.
func show(t *testing.T, addr, token string) (*Server, *framebuffer.Server) {
	t.Helper()
	fb, m := watched(t, 1<<20)
	s, err := Listen(m, &Options{Addr: addr, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s, fb
}

func get(t *testing.T, client *http.Client, url string, with ...string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(with); i += 2 {
		if with[i] == "Host" {
			r.Host = with[i+1]
		}
		r.Header.Set(with[i], with[i+1])
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

// On loopback the server's user needs no token, and nobody gets in through a browser that
// was led here under another name.
func TestLoopback(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		s, fb := show(t, addr, "")
		page := s.URL()
		if strings.Contains(page, "token") {
			t.Errorf("%s has a token", page)
		}
		for path, want := range map[string]int{"": 200, "metrics": 200, "healthz": 200, "nothing": 404} {
			if status, body := get(t, http.DefaultClient, page+path); status != want {
				t.Errorf("%s%s: %d, %s", page, path, status, body)
			}
		}
		for host, want := range map[string]int{
			"localhost": 200, "LOCALHOST:99": 200, "127.0.0.1": 200, "[::1]:80": 200, "evil.example": 421, "127.0.0.1.evil.example:80": 421, "localhost.": 421, "10.0.0.1": 421,
		} {
			if status, _ := get(t, http.DefaultClient, page+"metrics", "Host", host); status != want {
				t.Errorf("as %s: %d, want %d", host, status, want)
			}
		}
		if status, body := get(t, http.DefaultClient, page+"healthz"); status != 200 || body != "open\n" {
			t.Errorf("healthz: %d, %q", status, body)
		}
		if err := fb.Close(); err != nil {
			t.Fatal(err)
		}
		if status, body := get(t, http.DefaultClient, page+"healthz"); status != 503 || body != "closed\n" {
			t.Errorf("healthz after the server's end: %d, %q", status, body)
		}
	}
}

// Another user of the machine may have figures and no frames.
func TestLoopbackOfAnotherUser(t *testing.T) {
	testproc.NeedRoot(t)
	s, _ := show(t, "127.0.0.1:0", "secret")
	for url, want := range map[string]int{s.URL() + "metrics": 200, s.URL(): 401, s.URL() + "?token=secret": 401} { // no cookie is kept there
		var status int
		p := testproc.StartWith(t, []testproc.Option{testproc.As(65534, 65534)}, "get", url)
		p.Recv(&status)
		p.Done()
		if status != want {
			t.Errorf("%s: %d, want %d", url, status, want)
		}
	}
}

// Off loopback nothing comes without the token.
func TestElsewhere(t *testing.T) {
	s, _ := show(t, "0.0.0.0:0", "s3cret/+")
	if !strings.HasSuffix(s.URL(), "/?token=s3cret%2F%2B") || !strings.HasPrefix(s.URL(), "http://"+s.Addresses()[0]+"/") {
		t.Errorf("its address is %s", s.URL())
	}
	at := "http://127.0.0.1:" + strconv.Itoa(s.address().Port) + "/"
	for _, path := range []string{"", "metrics", "healthz", "?token=wrong", "?token="} {
		if status, body := get(t, http.DefaultClient, at+path); status != 401 || !strings.Contains(body, "token=") {
			t.Errorf("without the token, %q: %d, %s", path, status, body)
		}
	}
	for _, header := range []string{"s3cret/+", "Bearer", "Bearer wrong", "bearer s3cret/+"} {
		if status, _ := get(t, http.DefaultClient, at+"metrics", "Authorization", header); status != 401 {
			t.Errorf("with %q: %d", header, status)
		}
	}
	if status, _ := get(t, http.DefaultClient, at+"metrics", "Authorization", "Bearer s3cret/+"); status != 200 {
		t.Errorf("with the token in a header: %d", status)
	}
	// A browser keeps it, and the address it goes on with has it no more.
	jar, _ := cookiejar.New(nil)
	var last string
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		last = r.URL.String()
		return nil
	}}
	if status, _ := get(t, browser, at+"?a=1&token=s3cret%2F%2B"); status != 200 || last != at+"?a=1" {
		t.Errorf("with the token in the address: %d at %q", status, last)
	}
	if status, _ := get(t, browser, at+"metrics"); status != 200 {
		t.Errorf("with the cookie: %d", status)
	}
	// The way back leads nowhere else.
	browser.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		last = r.URL.String()
		return http.ErrUseLastResponse
	}
	get(t, browser, at+"/evil.example/x?token=s3cret%2F%2B")
	if !strings.HasPrefix(last, at+"evil.example/") {
		t.Errorf("redirected to %q", last)
	}
	if other, _ := show(t, "127.0.0.1:0", ""); len(other.token) < 20 || other.token == s.token {
		t.Errorf("a token of one's own: %q", other.token)
	}
	if _, err := Listen(nil, &Options{Addr: s.listener.Addr().String()}); err == nil {
		t.Error("took an address twice")
	}
}

func TestOwner(t *testing.T) {
	tables := `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 20 1
   1: 0100007F:BC14 0100007F:1F90 06 00000000:00000000 03:00000000 00000000     0        0 0 3
   2: 0100007F:BC14 0200007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 29 1
   3: 0100007F:BC14 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 30 1
   4: short
   5: 0100007F:BC16 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     x        0 30 1
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 00000000000000000000000001000000:BC15 00000000000000000000000001000000:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 31 1
   1: 0000000000000000FFFF00000100007F:BC17 0000000000000000FFFF00000100007F:1F90 01 00000000:00000000 00:00000000 00000000  1002        0 31 1
   2: 0100007F:BC18 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 30 1
   3: 0000000000000000FFFF00000100007F:BC18 0000000000000000FFFF00000100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 31 1
`
	const none = -1
	for name, c := range map[string]struct {
		from, to string
		want     int
	}{
		"both ends":                 {"127.0.0.1:48148", "127.0.0.1:8080", 1000},
		"another server's port":     {"127.0.0.1:48148", "127.0.0.2:8080", 0},
		"a server that is not it":   {"127.0.0.1:48148", "127.0.0.3:8080", none},
		"IPv6":                      {"[::1]:48149", "[::1]:8080", 1001},
		"mapped":                    {"127.0.0.1:48151", "127.0.0.1:8080", 1002},
		"the server's own end":      {"127.0.0.1:8080", "127.0.0.1:48148", none},
		"another client address":    {"127.0.0.2:48148", "127.0.0.1:8080", none},
		"no number":                 {"127.0.0.1:48150", "127.0.0.1:8080", none},
		"two sockets with one pair": {"127.0.0.1:48152", "127.0.0.1:8080", none},
	} {
		from, err1 := net.ResolveTCPAddr("tcp", c.from)
		to, err2 := net.ResolveTCPAddr("tcp", c.to)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if uid, known := owner(tables, from, to); known != (c.want >= 0) || known && uid != c.want {
			t.Errorf("%s: %d, %v, want %d", name, uid, known, c.want)
		}
	}
}
