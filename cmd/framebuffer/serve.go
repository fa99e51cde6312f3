package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
)

type serveCmd struct {
	Size    byteSize `default:"${ring_size}" help:"Bytes in the ring: as many frames as shall stay readable, times their size (default ${default})." placeholder:"SIZE"`
	Name    string   `default:"default" env:"FRAMEBUFFER_NAME" help:"Name on this host; servers of different names run side by side."`
	Backend string   `enum:"memfd,sysv,file" default:"memfd" help:"How others attach: memfd (a shared directory, or one network namespace), sysv (one IPC namespace) or file (a shared directory on a tmpfs or hugetlbfs)."`
	Dir     string   `help:"Directory of memfd's socket (default: this user's own) and of file's files (default: /dev/shm)." placeholder:"DIR"`
	Mode    octal    `default:"0600" help:"Who may attach, as for a file: 0600 this user only, 0660 the group too, 0640 the group to read." placeholder:"OCTAL"`
	Allow   []int    `name:"allow-uid" help:"User that may attach too; may be given several times (memfd, file)." placeholder:"UID"`
	AllowG  []int    `name:"allow-gid" help:"Group whose members may attach too (memfd, file)." placeholder:"GID"`
	Read    []int    `name:"read-uid" help:"User that may attach too, to read only (memfd, file)." placeholder:"UID"`
	ReadG   []int    `name:"read-gid" help:"Group whose members may attach too, to read only (memfd, file)." placeholder:"GID"`
	KeyFile string   `env:"FRAMEBUFFER_KEY_FILE" help:"Write the key to this file, for as long as the server runs: clients wait for it with --key-file. The users that may attach may read it, and no other." placeholder:"FILE"`
	Huge    bool     `name:"huge-pages" help:"Make the ring of huge pages, reserved or transparent; fails and says how to get them where there are none."`
	Holds   byteSize `name:"hold-limit" help:"Bytes of the ring that may be held at a time (default: half of it)." placeholder:"SIZE"`
	Topics  int      `help:"Topics that there can be, at most 65536; none is ever taken away (default: 128)." placeholder:"N"`
	Depth   int      `name:"topic-depth" help:"Frames that each topic remembers (default: 256)." placeholder:"N"`
	NATS    secret   `name:"nats" xor:"nats,jetstream" env:"FRAMEBUFFER_NATS" help:"Serve on your own NATS at this URL, or the one in @FILE, instead of an embedded one on loopback: a URL with a password belongs into a file or the environment, since all users of this host see flags." placeholder:"URL|@FILE"`
	Config  string   `name:"nats-config" xor:"nats" env:"FRAMEBUFFER_NATS_CONFIG" type:"existingfile" help:"Configuration file of the embedded NATS, as nats-server takes it: cluster, leaf nodes, TLS, accounts. Without it nothing listens beyond loopback." placeholder:"FILE"`
	Streams string   `name:"jetstream" xor:"jetstream" env:"FRAMEBUFFER_JETSTREAM" help:"Turn JetStream on in the embedded NATS, with its streams in this directory: for framebuffer record." placeholder:"DIR"`
	Host    string   `env:"FRAMEBUFFER_HOST" help:"What this host is called on other hosts (default: the system's host name)." placeholder:"NAME"`
	Mirrors []string `name:"mirror" sep:"none" help:"Copy a topic of another host, TOPIC@HOST, or TOPIC@any; may be given several times. Behind a comma, the options of the command mirror: every=N, rate=FPS, window=SIZE, on-demand." placeholder:"TOPIC@HOST"`
	SignKey string   `name:"sign-key" env:"FRAMEBUFFER_SIGN_KEY" help:"File with the key to sign what goes to other hosts with, for readers that --trust it; made if there is none, and for this user alone." placeholder:"FILE"`
	Creds   string   `env:"FRAMEBUFFER_CREDS" type:"existingfile" help:"NATS credentials file for either." placeholder:"FILE"`
	Askers  []string `name:"asker-inbox" help:"Answer askers over NATS also below this prefix, beside _INBOX, where all others have no answer; may be given several times." placeholder:"PREFIX"`
	Remote  byteSize `name:"remote-allocate" help:"Bytes a second that programs may allocate by asking over NATS, with --nats or --nats-config: other hosts may share that NATS, and each allocation overwrites frames (default: none)." placeholder:"SIZE"`
	HTTP    string   `name:"http" help:"Serve a page, metrics and health over HTTP at this address, such as 127.0.0.1:9464; off loopback, and for frames, with a token." placeholder:"ADDR"`
	Token   secret   `name:"http-token" env:"FRAMEBUFFER_HTTP_TOKEN" help:"That token, in a file or the environment, since all users of this host see flags (default: a new one)." placeholder:"@FILE"`
	trusting
	tlsFiles
}

// octal is a file mode as chmod takes it.
type octal fs.FileMode

// UnmarshalText reads up to four octal digits.
func (o *octal) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 8, 12)
	if err != nil || n&^0o777 != 0 || n == 0 {
		return fmt.Errorf("%q is no mode: write octal permission bits such as 0600 or 0660", text)
	}
	*o = octal(n)
	return nil
}

// Help is shown below the flags.
func (serveCmd) Help() string {
	return `Runs until it gets SIGINT, SIGTERM, SIGQUIT or SIGHUP (unless that is ignored, as
by nohup), as all commands do, and then leaves nothing behind: the memory is removed from the system at birth and freed when the last process has
let go of it, also after a kill -9. (Of memfd its socket stays then, and of file its
files and so their memory, until the next server with that directory starts; and
the file of --key-file.) A socket or key file that something else removes meanwhile
is there again within a second. The memory is taken at once, so that a machine that lacks
it says so now and not in the middle of the night.`
}

type served struct {
	Key      string `json:"key"`
	Capacity uint64 `json:"capacity"`
	Name     string `json:"name"`
	NATS     string `json:"nats"`
	Backend  string `json:"backend"`
	SignsAs  string `json:"signs_as,omitempty"`
	HTTP     string `json:"http,omitempty"` // with the token, where one is needed
}

// Run serves until the context ends.
func (c *serveCmd) Run(e *env) (err error) {
	trust, err := c.keys()
	if err != nil {
		return err
	}
	var mirrors []service.MirrorOptions
	for _, m := range c.Mirrors {
		one, err := parseMirror(m)
		if err != nil {
			return err
		}
		one.Trust = trust
		mirrors = append(mirrors, one)
	}
	server, err := newServer(e, int64(c.Size), &framebuffer.ServerOptions{
		Name: "framebuffer serve", Mode: fs.FileMode(c.Mode), Backend: c.Backend, Dir: c.Dir, HugePages: c.Huge,
		AllowUIDs: c.Allow, AllowGIDs: c.AllowG, ReadUIDs: c.Read, ReadGIDs: c.ReadG,
		HoldLimit: int64(c.Holds), Topics: c.Topics, TopicDepth: c.Depth, Logger: e.log,
	})
	if err != nil {
		return unlessSignalled(err)
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	if c.KeyFile != "" {
		remove, err := keepKey(e.log, c.KeyFile, server.Key(), c.permit(e.log))
		if err != nil {
			return err
		}
		defer remove()
	}
	svc, err := startService(e, service.Config{
		Server: server, Mirrors: mirrors, Name: c.Name, Host: c.Host, URL: string(c.NATS), NATSConfig: c.Config, JetStream: c.Streams, Credentials: c.Creds, TLS: c.files(),
		InboxPrefix: c.Inbox, AskerInboxes: c.Askers, RemoteAllocate: int64(c.Remote), SigningKey: c.SignKey, Logger: e.log,
	})
	if err != nil {
		return unlessSignalled(err)
	}
	defer func() { err = errors.Join(err, svc.Close()) }()
	defer c.showKey(e, server.Key())()

	st := server.Stats()
	s := served{Key: server.Key(), Capacity: st.Capacity, Name: c.Name, NATS: svc.URL(), Backend: st.Backend, SignsAs: svc.SignsAs()}
	if c.HTTP != "" {
		pages, err := startHTTP(e, s.Key, c.HTTP, string(c.Token))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, pages.end()) }()
		s.HTTP = pages.url
	}
	if err := e.print(s, s.text(c.whose())); err != nil {
		return err
	}
	<-e.ctx.Done()
	end := server.Stats()
	e.log.Info("stopping", "framebuffer.allocated_bytes", end.Total.AllocatedBytes, "framebuffer.writes", end.Total.Writes, "framebuffer.reads", end.Total.Reads,
		"framebuffer.timeouts", end.Total.Reused+end.Total.Altered)
	return nil
}

// startService starts the service, which can take as long as a NATS that does not answer. A signal
// does not wait for that: the process ends, and the kernel ends what the service had begun.
func startService(e *env, cfg service.Config) (*service.Service, error) {
	type started struct {
		svc *service.Service
		err error
	}
	done := make(chan started, 1)
	go func() {
		svc, err := service.Serve(cfg)
		done <- started{svc, err}
	}()
	select {
	case s := <-done:
		return s.svc, s.err
	case <-e.ctx.Done():
	}
	select { // it may be about to run: then it ends in order
	case s := <-done:
		if s.err == nil {
			return nil, errors.Join(errSignal, s.svc.Close())
		}
	case <-time.After(leave):
	}
	return nil, errSignal
}

// whose tells people about the NATS.
func (c *serveCmd) whose() string {
	switch {
	case c.NATS != "":
		return "your own"
	case c.Config != "":
		return "embedded, of " + c.Config
	}
	return "embedded, this user only"
}

func (s served) text(whose string) string {
	name := ""
	if s.Name != "default" {
		name = " --name " + s.Name
	}
	http := "" // and what else there is to say
	if s.HTTP != "" {
		http = "\n  HTTP  " + s.HTTP
	}
	if s.SignsAs != "" {
		http += "\n\nReaders on other hosts take what this server signs with --trust " + s.SignsAs
	}
	return fmt.Sprintf(`Serving a ring of %s.

  key   %s
  NATS  %s (%s)%s

From another terminal:

  framebuffer put%[6]s photo.jpg | framebuffer get - > same.jpg

Ctrl-C ends it and leaves nothing behind.`, byteSize(s.Capacity), s.Key, s.NATS, whose, http, name)
}
