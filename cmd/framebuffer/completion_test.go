package main

import (
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// The scripts are given to the real shells.
func TestCompletion(t *testing.T) {
	bash := runHere(t, "", "completion", "bash")
	script := bash.out + `
try() { COMP_WORDS=(framebuffer "$@"); COMP_CWORD=$#; COMPREPLY=(); _framebuffer; echo "${COMPREPLY[*]}"; }
try s
try serve --siz
try completion z
try demo-
`
	testproc.NeedTools(t, "bash")
	out, err := testproc.Command("bash", "-c", script).CombinedOutput()
	if err != nil || string(out) != "serve sub stat\n--size\nzsh\n\n" {
		t.Errorf("bash: %v, %q", err, out)
	}
	for _, shell := range []string{"zsh", "fish"} {
		r := runHere(t, "", "completion", shell)
		for _, word := range []string{"serve", "allocate", "size", "bash"} {
			if !strings.Contains(r.out, word) {
				t.Errorf("%s: no %q in the script", shell, word)
			}
		}
		t.Run(shell, func(t *testing.T) {
			testproc.NeedTools(t, shell)
			cmd := testproc.Command(shell, "-n") // parse only
			cmd.Stdin = strings.NewReader(r.out)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s does not accept its script: %v\n%s", shell, err, out)
			}
		})
	}
	if r := runHere(t, "", "completion", "tcsh"); r.status != exitUsage {
		t.Errorf("tcsh: %+v", r)
	}
}
