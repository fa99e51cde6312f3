package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A token and the URL of a NATS, which may have a password, can stand in files and in the environment,
// and no error shows them.
func TestSecretsStandInFiles(t *testing.T) {
	dir := t.TempDir()
	in := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "@" + path
	}
	token := in("token", "sesame\n")
	_, s, _ := serving(t, "--size", "64KiB", "--http", "127.0.0.1:0", "--http-token", token)
	for given, want := range map[string]int{"sesame": http.StatusSeeOther, "other": http.StatusOK} {
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		answer, err := client.Get(s.HTTP + "?token=" + given)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("token %q: %s", given, answer.Status)
		}
	}
	where := in("url", "nats://guest:open-sesame@127.0.0.1:1\n")
	for what, r := range map[string]result{
		"a file": runHere(t, "", "hosts", "--nats", where),
		"a list": runHere(t, "", "hosts", "--nats", in("urls", "nats://a:open-sesame@127.0.0.1:1,nats://b:open-sesame@127.0.0.1:2")),
	} {
		if r.status == exitOK || r.status == exitUsage || !strings.Contains(r.err, "127.0.0.1:1") || strings.Contains(r.err+r.out, "sesame") {
			t.Errorf("%s: %+v", what, r)
		}
	}
	for what, c := range map[string]struct{ value, says string }{
		"no file":        {"@" + dir + "/none", "no such file"},
		"a directory":    {"@" + dir, "is a directory"},
		"an empty file":  {in("empty", "\n"), "is empty"},
		"several lines":  {in("lines", "open-sesame\nopen-sesame\n"), "more than one line"},
		"far too long":   {in("long", strings.Repeat("open-sesame", 2000)), "more than one line, or more than"},
		"a device, zero": {"@/dev/zero", "more than one line"},
	} {
		if r := runHere(t, "", "hosts", "--nats", c.value); r.status != exitUsage || !strings.Contains(r.err, c.says) || strings.Contains(r.err, "sesame") {
			t.Errorf("%s: %+v", what, r)
		}
	}
	t.Setenv("FRAMEBUFFER_NATS", where)
	if r := runHere(t, "", "hosts"); r.status == exitOK || !strings.Contains(r.err, "127.0.0.1:1") || strings.Contains(r.err, "sesame") {
		t.Errorf("the environment: %+v", r)
	}
}
