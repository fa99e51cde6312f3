package metrics_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/core-framebuffer/framebuffer/monitor/metrics"
)

const examples = "../../examples/monitoring/"

// The rules are rules, and fire when they should and not else; the configuration is one.
func TestExampleRules(t *testing.T) {
	promtool(t, "", "check", "rules", examples+"alerts.yml")
	promtool(t, "", "check", "config", examples+"prometheus.yml")
	promtool(t, "", "test", "rules", examples+"alerts_test.yml")
	rules, err := os.ReadFile(examples + "alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	current(t, string(rules))
}

// What the dashboard asks for can be asked, and exists.
func TestExampleDashboard(t *testing.T) {
	text, err := os.ReadFile(examples + "grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	rules, n := "groups:\n- name: dashboard\n  rules:\n", 0
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			current(t, target.Expr)
			expr := strings.NewReplacer("$__rate_interval", "1m", "$instance", ".+").Replace(target.Expr)
			rules += fmt.Sprintf("  - record: panel:%d\n    expr: '%s'\n", n, expr)
			n++
		}
	}
	if n < 15 {
		t.Errorf("only %d queries in the dashboard", n)
	}
	file := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "", "check", "rules", file)
}

// Every metric that there is is in the document, with its labels, and none else.
func TestDocumentNamesEveryMetric(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	exist(t, string(text))
	for name := range described() {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/metrics.md says nothing of %s", name)
		}
	}
}

var metricName = regexp.MustCompile(`framebuffer_[a-z_]+`)

// exist fails for names in a text that no metric has.
func exist(t *testing.T, text string) {
	t.Helper()
	all := described()
	for _, name := range metricName.FindAllString(text, -1) {
		if _, there := all[name]; !there {
			t.Errorf("there is no metric %s", name)
		}
	}
}

// current fails for names in a text that no metric has, or a deprecated one.
func current(t *testing.T, text string) {
	t.Helper()
	exist(t, text)
	all := described()
	for _, name := range metricName.FindAllString(text, -1) {
		if strings.HasPrefix(all[name], "Deprecated") {
			t.Errorf("%s: %s", name, all[name])
		}
	}
}

// described returns the help texts of all metrics, by name.
func described() map[string]string {
	descs := make(chan *prometheus.Desc)
	go func() {
		metrics.New(nil).Describe(descs)
		close(descs)
	}()
	all := make(map[string]string)
	for d := range descs {
		m := regexp.MustCompile(`fqName: "([a-z_]+)", help: "([^"]*)"`).FindStringSubmatch(d.String())
		all[m[1]] = m[2]
	}
	return all
}
