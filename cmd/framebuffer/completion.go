package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"Which shell: ${enum}."`
}

// Help is shown below the flags.
func (completionCmd) Help() string {
	return `  bash: framebuffer completion bash > /etc/bash_completion.d/framebuffer
        or in ~/.bashrc: source <(framebuffer completion bash)
  zsh:  framebuffer completion zsh > "${fpath[1]}/_framebuffer"
  fish: framebuffer completion fish > ~/.config/fish/completions/framebuffer.fish`
}

// Run prints the script.
func (c *completionCmd) Run(e *env) error {
	write := map[string]func(*kong.Node) string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}[c.Shell]
	if _, err := fmt.Fprint(e.out, write(e.parser.Model.Node)); err != nil {
		return fmt.Errorf("completion: %w", err)
	}
	return nil
}

func commands(root *kong.Node) (all []*kong.Node) {
	for _, n := range root.Children {
		if !n.Hidden {
			all = append(all, n)
		}
	}
	return all
}

func flags(n *kong.Node) (all []*kong.Flag) {
	for _, group := range n.AllFlags(true) {
		all = append(all, group...)
	}
	return all
}

// words are what may stand behind a command: its flags, and its arguments' fixed values.
func words(n *kong.Node) (all []string) {
	for _, f := range flags(n) {
		all = append(all, "--"+f.Name)
	}
	for _, p := range n.Positional {
		if p.Enum != "" {
			all = append(all, strings.Split(p.Enum, ",")...)
		}
	}
	return all
}

// bashScript offers commands, flags, fixed values and, where neither fits, files.
func bashScript(root *kong.Node) string {
	var names []string
	var cases strings.Builder
	for _, n := range commands(root) {
		names = append(names, n.Name)
		fmt.Fprintf(&cases, "    %s) words=%q ;;\n", n.Name, strings.Join(words(n), " "))
	}
	return fmt.Sprintf(`# bash completion for framebuffer
_framebuffer() {
  local cur=${COMP_WORDS[COMP_CWORD]} cmd=${COMP_WORDS[1]} words=
  if [ "$COMP_CWORD" -eq 1 ]; then
    words=%q
  else
    case $cmd in
%s    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _framebuffer framebuffer
`, strings.Join(names, " ")+" --help --version", cases.String())
}

func zshScript(root *kong.Node) string {
	var names, cases strings.Builder
	for _, n := range commands(root) {
		fmt.Fprintf(&names, "    %s\n", quote(n.Name+":"+n.Help))
		fmt.Fprintf(&cases, "    %s) _arguments", n.Name)
		for _, f := range flags(n) {
			fmt.Fprintf(&cases, " %s", quote("--"+f.Name+"["+strings.NewReplacer("[", "(", "]", ")").Replace(f.Help)+"]"))
		}
		rest := "*:file:_files"
		for _, p := range n.Positional {
			if p.Enum != "" {
				rest = "1:" + p.Name + ":(" + strings.ReplaceAll(p.Enum, ",", " ") + ")"
			}
		}
		fmt.Fprintf(&cases, " %s ;;\n", quote(rest))
	}
	return fmt.Sprintf(`#compdef framebuffer
_framebuffer() {
  local -a commands=(
%s  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local cmd=$words[2]
  shift words; (( CURRENT-- ))
  case $cmd in
%s  esac
}
compdef _framebuffer framebuffer
`, names.String(), cases.String())
}

func fishScript(root *kong.Node) string {
	var b strings.Builder
	b.WriteString("# fish completion for framebuffer\n")
	for _, n := range commands(root) {
		fmt.Fprintf(&b, "complete -c framebuffer -n __fish_use_subcommand -f -a %s -d %s\n", n.Name, quote(n.Help))
		in := quote("__fish_seen_subcommand_from " + n.Name)
		for _, f := range flags(n) {
			fmt.Fprintf(&b, "complete -c framebuffer -n %s -l %s -d %s\n", in, f.Name, quote(f.Help))
		}
		for _, p := range n.Positional {
			if p.Enum != "" {
				fmt.Fprintf(&b, "complete -c framebuffer -n %s -f -a %s\n", in, quote(strings.ReplaceAll(p.Enum, ",", " ")))
			}
		}
	}
	return b.String()
}

// quote makes one word for any of the three shells. Help texts hold no variables, but an
// apostrophe may come.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
