package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// commandNames are all commands that the help lists.
func commandNames(t *testing.T) (names []string) {
	t.Helper()
	_, list, _ := strings.Cut(runHere(t, "", "--help").out, "\nCommands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	for line := range strings.Lines(list) {
		names = append(names, strings.Fields(line)[0])
	}
	if len(names) < 20 {
		t.Fatalf("the help lists only %q", names)
	}
	return names
}

// Every help text fits a terminal, and has only characters that can be typed and pasted.
func TestHelp(t *testing.T) {
	plain := regexp.MustCompile(`^[ -~]*\n$`)
	for _, name := range append(commandNames(t), "") {
		r := runHere(t, "", strings.Fields(name+" --help")...)
		if r.status != exitOK || r.err != "" || len(r.out) < 300 {
			t.Errorf("%s --help: %+v", name, r)
		}
		for line := range strings.Lines(r.out) {
			if len(line) > 82 {
				t.Errorf("%s --help: too wide for a terminal of 80: %q", name, line)
			}
			if !plain.MatchString(line) {
				t.Errorf("%s --help: other characters than ASCII: %q", name, line)
			}
		}
	}
	if all, alone := runHere(t, "", "--help"), runHere(t, ""); alone != all {
		t.Errorf("framebuffer alone is not its help: %+v", alone)
	}
}

// Every example in a help text is accepted by a shell, and its framebuffer commands by the parser.
func TestHelpExamples(t *testing.T) {
	testproc.NeedTools(t, "bash")
	examples := 0
	for _, name := range append(commandNames(t), "") {
		for _, example := range helpExamples(runHere(t, "", strings.Fields(name+" --help")...).out) {
			examples++
			cmd := testproc.Command("bash", "-n")
			cmd.Stdin = strings.NewReader(example)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s --help: bash refuses %q: %v: %s", name, example, err, out)
			}
			for _, words := range framebufferCommands(example) {
				var c cli
				parser, _ := newParser(&c, &strings.Builder{}, &strings.Builder{})
				if _, err := parser.Parse(words); err != nil {
					t.Errorf("%s --help: %q: %v", name, example, err)
				}
			}
		}
	}
	if examples < 15 {
		t.Errorf("only %d examples were found", examples)
	}
}

// helpExamples are the commands in a help text: paragraphs indented by four that name a program, with
// the lines joined that continue one.
func helpExamples(help string) (all []string) {
	text, _, _ := strings.Cut(help, "\nFlags:\n")
	text = regexp.MustCompile(`(\\|\|)\n +`).ReplaceAllStringFunc(text, func(end string) string { return strings.TrimPrefix(end[:1], `\`) + " " })
	for line := range strings.Lines(text) {
		if example, ok := strings.CutPrefix(line, "    "); ok && strings.Contains(example, "framebuffer") {
			all = append(all, strings.TrimSpace(strings.Split(example, "   ")[0])) // a remark follows
		}
	}
	return all
}

// framebufferCommands are the arguments of each framebuffer command in a line for a shell.
func framebufferCommands(line string) (all [][]string) {
	for _, command := range regexp.MustCompile(`[|&;()]|>|<`).Split(line, -1) {
		if words := strings.Fields(command); len(words) > 1 && words[0] == "framebuffer" {
			all = append(all, words[1:])
		}
	}
	return all
}
