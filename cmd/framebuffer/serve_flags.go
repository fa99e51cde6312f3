package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// ringFlags describe the ring that serve creates.
type ringFlags struct {
	Size   byteSize `default:"${ring_size}" help:"Bytes in the ring: the number of frames that stay readable, times their size. In a ring of at most half the L3, frames that are filled and read in place stay in the cache and take about half the time; but readers must keep up with so few frames (default ${default})." placeholder:"SIZE"`
	Name   string   `default:"default" env:"FRAMEBUFFER_NAME" help:"Name on this host; servers with different names run side by side."`
	Huge   bool     `name:"huge-pages" help:"Make the ring of huge pages, reserved or transparent. If there are none, fail and say how to get them."`
	Holds  byteSize `name:"hold-limit" help:"Bytes of the ring that may be held at a time (default: half of it)." placeholder:"SIZE"`
	Topics int      `help:"Maximum number of topics, up to 65536; topics are never removed (default: 128)." placeholder:"N"`
	Depth  int      `name:"topic-depth" help:"Frames that each topic remembers (default: 256)." placeholder:"N"`
}

// accessFlags say how other processes attach to the ring, and which users may.
type accessFlags struct {
	Backend string `group:"access" enum:"memfd,sysv,file" default:"memfd" help:"How processes attach: memfd (they share a directory or a network namespace), sysv (they share an IPC namespace) or file (they share a directory on a tmpfs or hugetlbfs)."`
	Dir     string `group:"access" help:"Directory for memfd's socket (default: one of this user) or for file's files (default: /dev/shm)." placeholder:"DIR"`
	Mode    octal  `group:"access" default:"0600" help:"Users that may attach, as for a file: 0600 this user only, 0660 also the group, 0640 the group for reading." placeholder:"OCTAL"`
	Allow   []int  `group:"access" name:"allow-uid" help:"Another user that may attach; repeatable (memfd, file)." placeholder:"UID"`
	AllowG  []int  `group:"access" name:"allow-gid" help:"Group whose members may attach; repeatable (memfd, file)." placeholder:"GID"`
	Read    []int  `group:"access" name:"read-uid" help:"Another user that may attach for reading; repeatable (memfd, file)." placeholder:"UID"`
	ReadG   []int  `group:"access" name:"read-gid" help:"Group whose members may attach for reading; repeatable (memfd, file)." placeholder:"GID"`
	KeyFile string `group:"access" env:"FRAMEBUFFER_KEY_FILE" help:"Write the key to this file while the server runs; clients wait for it with --key-file. Only users that may attach may read the file." placeholder:"FILE"`
}

// busFlags say which NATS the server uses.
type busFlags struct {
	NATS    secret   `group:"nats" name:"nats" xor:"nats,jetstream" env:"FRAMEBUFFER_NATS" help:"Use your own NATS at this URL instead of an embedded one on loopback. @FILE reads the URL from a file: put a URL with a password there or into the environment, because every user of this host sees the flags." placeholder:"URL|@FILE"`
	Config  string   `group:"nats" name:"nats-config" xor:"nats" env:"FRAMEBUFFER_NATS_CONFIG" type:"existingfile" help:"Configuration file of the embedded NATS, in the format of nats-server: cluster, leaf nodes, TLS, accounts. Without it the embedded NATS listens only on loopback." placeholder:"FILE"`
	Streams string   `group:"nats" name:"jetstream" xor:"jetstream" env:"FRAMEBUFFER_JETSTREAM" help:"Enable JetStream in the embedded NATS, with its streams in this directory: for framebuffer record." placeholder:"DIR"`
	Creds   string   `group:"nats" env:"FRAMEBUFFER_CREDS" type:"existingfile" help:"NATS credentials file for --nats or --nats-config." placeholder:"FILE"`
	Askers  []string `group:"nats" name:"asker-inbox" help:"Also answer requests whose inbox has this prefix; others than _INBOX get no answer otherwise. Repeatable." placeholder:"PREFIX"`
	Remote  byteSize `group:"nats" name:"remote-allocate" help:"Bytes a second that programs may allocate by requests over --nats or --nats-config. Other hosts may share that NATS, and each allocation overwrites frames (default: none)." placeholder:"SIZE"`
	tlsFiles
}

// hostFlags are about servers on other hosts.
type hostFlags struct {
	Host    string   `group:"hosts" env:"FRAMEBUFFER_HOST" help:"Name of this host on other hosts (default: the system's host name)." placeholder:"NAME"`
	Mirrors []string `group:"hosts" name:"mirror" sep:"none" help:"Mirror a topic of another host, or with TOPIC@any of the host with its newest frame. Options of the command mirror may follow after commas: every=N, rate=FPS, window=SIZE, on-demand. Repeatable." placeholder:"TOPIC@HOST"`
	SignKey string   `group:"hosts" name:"sign-key" env:"FRAMEBUFFER_SIGN_KEY" help:"Sign what goes to other hosts with the key in this file, for readers that --trust it. If there is no such file, create it for this user alone." placeholder:"FILE"`
	trusting
}

// pageFlags are the flags of serve's HTTP server.
type pageFlags struct {
	HTTP  string `group:"http" name:"http" help:"Serve a page, metrics and health over HTTP at this address, such as 127.0.0.1:9464. Frames need a token, and off loopback everything does." placeholder:"ADDR"`
	Token secret `group:"http" name:"http-token" env:"FRAMEBUFFER_HTTP_TOKEN" help:"The token, in a file or the environment, because every user of this host sees the flags (default: a new one)." placeholder:"@FILE"`
}

// octal is a file mode as chmod takes it.
type octal fs.FileMode

// UnmarshalText reads up to four octal digits.
func (o *octal) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 8, 12)
	if err != nil || n&^0o777 != 0 || n == 0 {
		return fmt.Errorf("%q is not a mode: write octal permission bits such as 0600 or 0660", text)
	}
	*o = octal(n)
	return nil
}

// checkDir is wrong usage if --dir is missing and its parent is missing too, or is the root of the
// file system. The server creates other directories, but a misspelt path must not become one.
func (f *accessFlags) checkDir() error {
	if f.Dir == "" {
		return nil
	}
	dir, err := filepath.Abs(f.Dir)
	if err != nil {
		return fmt.Errorf("%w: --dir %s: %w", errUsage, f.Dir, err)
	}
	if _, err = os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	parent := filepath.Dir(dir)
	if _, missing := os.Stat(parent); parent == "/" || missing != nil {
		return fmt.Errorf("%w: --dir %s: create the directory first: %w", errUsage, f.Dir, err)
	}
	return nil
}
