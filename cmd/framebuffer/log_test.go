package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Every line that a server logs as JSON says who it is, and when, and of what.
func TestLogsAsJSON(t *testing.T) {
	name := "log-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	cmd := command("serve", "--name", name, "--size", "1MiB", "--http", "127.0.0.1:0", "--log-format", "json", "--log-level", "INFO")
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil { // it serves
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	messages := map[string]map[string]any{}
	for line := range strings.Lines(log.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if fields["service.name"] != "framebuffer" || fields["process.pid"] != float64(cmd.Process.Pid) || fields["time"] == nil || fields["level"] == nil {
			t.Errorf("lacks something: %s", line)
		}
		messages[fields["msg"].(string)] = fields
	}
	if messages["serving"]["framebuffer.server.name"] != name || messages["serving HTTP"]["server.address"] != "127.0.0.1" || messages["stopping"]["framebuffer.writes"] != 0. {
		t.Errorf("logged\n%s", &log)
	}
}

var logged = regexp.MustCompile(`[lL]og\.(?:Debug|Info|Warn|Error|With)\((?:[^()]|\([^()]*\))*\)`)
var attribute = regexp.MustCompile(`[(,]\s*"([a-z_.]+)",`)

// Every attribute that is logged anywhere is in the document.
func TestLogAttributesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, dir := range []string{"../../service", "../../remote", "../../record", "../../internal/natsconn", ".", "../../cmd/framebuffer/internal/web", "../../cmd/framebuffer/internal/demo"} {
		files, _ := filepath.Glob(dir + "/*.go")
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil || strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, call := range logged.FindAllString(string(source), -1) {
				_, args, _ := strings.Cut(call, ",") // behind the message
				for _, a := range attribute.FindAllStringSubmatch(","+args, -1) {
					found[a[1]] = true
					if !strings.Contains(string(text), "`"+a[1]+"`") {
						t.Errorf("%s logs %q, of which docs/metrics.md says nothing", file, a[1])
					}
				}
			}
		}
	}
	if !found["error.message"] || !found["framebuffer.lost"] || len(found) < 10 {
		t.Errorf("found only %v", found)
	}
}
