package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"Shell: bash, zsh or fish."`
}

// Help is shown below the flags.
func (completionCmd) Help() string {
	return `The script completes commands, flags and files. For bash, put this into ~/.bashrc:

  source <(framebuffer completion bash)

For zsh, put this into ~/.zshrc, after compinit:

  source <(framebuffer completion zsh)

For fish:

  framebuffer completion fish > ~/.config/fish/completions/framebuffer.fish`
}

// Run prints the script.
func (c *completionCmd) Run(e *env) error {
	write := map[string]func(*kong.Node) string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}[c.Shell]
	if _, err := fmt.Fprint(e.out, write(e.parser.Model.Node)); err != nil {
		return fmt.Errorf("completion: %w", err)
	}
	return nil
}

// commands returns the commands that are not hidden.
func commands(root *kong.Node) (all []*kong.Node) {
	for _, n := range root.Children {
		if !n.Hidden {
			all = append(all, n)
		}
	}
	return all
}

// flags returns a command's flags and the global ones, without hidden ones.
func flags(n *kong.Node) (all []*kong.Flag) {
	for _, group := range n.AllFlags(true) {
		all = append(all, group...)
	}
	return all
}

// words returns what may follow a command: its flags, and the fixed values of its arguments.
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

// bashScript completes commands, flags and fixed values, and files where none of them fits.
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

// zshScript is bashScript with a description of each command and flag.
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

// fishScript is bashScript with a description of each command and flag.
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

// quote makes s one word for all three shells. Help texts have apostrophes but no variables.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
