package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/core-framebuffer/framebuffer/bench/internal/iceoryx"
	"github.com/core-framebuffer/framebuffer/bench/internal/machine"
)

// startIceoryx builds and starts the rival and its daemon.
func startIceoryx(bin string) (p *pair, stop func(), err error) {
	program := filepath.Join(bin, "iceoryx")
	if err := iceoryx.Build("rivals/topics.cpp", program); err != nil {
		return nil, nil, err
	}
	command := iceoryx.Daemon()
	daemon := exec.Command(command[0], command[1:]...)
	daemon.Stderr = os.Stderr
	out, err := daemon.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := machine.Start(daemon); err != nil {
		return nil, nil, err
	}
	end := func() {
		_ = daemon.Process.Signal(syscall.SIGTERM)
		_ = daemon.Wait()
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			end()
			return nil, nil, fmt.Errorf("iox-roudi ended before it was ready: %w", err)
		}
		if strings.Contains(line, "ready") {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	p, err = startPair(sayWords, nil, program, strconv.Itoa(os.Getpid()))
	if err != nil {
		end()
		return nil, nil, err
	}
	return p, func() {
		if err := p.stop(); err != nil {
			log.Print(err)
		}
		end()
	}, nil
}
