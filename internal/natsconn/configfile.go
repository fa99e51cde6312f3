package natsconn

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"golang.org/x/crypto/bcrypt"
)

const loopback = "127.0.0.1"

// ownUser is the user of a NATS configuration file that the service and its clients log in as.
const ownUser = "framebuffer"

// bindLoopback puts every listener that the file gives no address on loopback, where NATS
// would take all addresses. Clients get a port of the system's choice if it names none.
func bindLoopback(o *natsserver.Options) {
	if o.Port == 0 {
		o.Port = natsserver.RANDOM_PORT
	}
	for _, host := range []*string{&o.Host, &o.HTTPHost, &o.Cluster.Host, &o.LeafNode.Host, &o.Gateway.Host, &o.Websocket.Host, &o.MQTT.Host} {
		if *host == "" {
			*host = loopback
		}
	}
}

// login says how to log in to a server of these options, and adds a user with a password of
// its own where they let anybody in.
func (a *Access) login(o *natsserver.Options, file string, log *slog.Logger) error {
	guarded := len(o.Users)+len(o.Nkeys)+len(o.TrustedOperators)+len(o.TrustedKeys) > 0 || o.AuthCallout != nil
	switch {
	case a.Credentials != "":
		return nil
	case o.Username != "" && plain(o.Password):
		a.User, a.Password, o.Password = o.Username, o.Password, hashed(o.Password)
		return nil
	case o.Authorization != "" && plain(o.Authorization):
		a.Token = o.Authorization
		return nil
	case guarded || o.Username != "" || o.Authorization != "":
		for _, u := range o.Users {
			if u.Username == ownUser && plain(u.Password) {
				a.User, a.Password, u.Password = u.Username, u.Password, hashed(u.Password)
				return nil
			}
		}
		if o.NoAuthUser != "" {
			return nil
		}
		return fmt.Errorf("service: %s asks for a login and has none that can be used here: give the account for frames a user named %s with a password in plain text, or name a file of credentials", file, ownUser)
	case o.LeafNode.Port != 0:
		// A user for clients would be asked of leaf nodes too, which the file lets in without.
		log.Warn("the NATS configuration lets anybody in: whoever reaches its ports reads every frame; give it users", "file.path", file)
		return nil
	}
	a.User, a.Password = ownUser, NewSecret()
	o.Username, o.Password = a.User, hashed(a.Password)
	return nil
}

// hashed is what the NATS server needs of a password to compare another with it. The server warns of each
// that it has in plain text. Clients of this host have to send theirs, so the service needs it in plain text; the server
// does not. The hash is never stored, so that it need not take long, which each connection would wait for. A
// password that is too long for the hash stays as it is.
func hashed(password string) string {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		return password
	}
	return string(hash)
}

// plain reports whether a password is what a client has to send, and not its hash.
func plain(password string) bool { return !strings.HasPrefix(password, "$2") }

// localURL is where clients of this host reach a server that listens on all addresses.
func localURL(listening string) string {
	u, err := url.Parse(listening)
	if err != nil {
		return listening
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsUnspecified() {
		u.Host = net.JoinHostPort(loopback, u.Port())
	}
	return u.String()
}

// natsLog has the NATS server's log lines among ours.
type natsLog struct{ log *slog.Logger }

func (l natsLog) Noticef(format string, v ...any) { l.log.Info("NATS: " + fmt.Sprintf(format, v...)) }
func (l natsLog) Warnf(format string, v ...any)   { l.log.Warn("NATS: " + fmt.Sprintf(format, v...)) }
func (l natsLog) Fatalf(format string, v ...any)  { l.log.Error("NATS: " + fmt.Sprintf(format, v...)) }
func (l natsLog) Errorf(format string, v ...any)  { l.log.Error("NATS: " + fmt.Sprintf(format, v...)) }
func (l natsLog) Debugf(format string, v ...any)  { l.log.Debug("NATS: " + fmt.Sprintf(format, v...)) }
func (l natsLog) Tracef(format string, v ...any)  { l.log.Debug("NATS: " + fmt.Sprintf(format, v...)) }
