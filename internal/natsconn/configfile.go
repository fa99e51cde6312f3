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

// bindLoopback binds every listener for which the file has no address to loopback; NATS would bind it
// to all addresses. Without a port in the file, clients get one that the kernel chooses.
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

// login finds in a server's options how this host's clients log in. To options that ask for no login
// it adds a user with a new password.
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
		return fmt.Errorf("framebuffer: %s asks for a login and has none that can be used here: give the account for frames a user named %s with a password in plain text, or name a file of credentials", file, ownUser)
	case o.LeafNode.Port != 0:
		// A user for clients would be asked of leaf nodes too, which the file lets in without.
		log.Warn("the NATS configuration asks for no login: every program that reaches its ports can read every frame; add users", "file.path", file)
		return nil
	}
	a.User, a.Password = ownUser, NewSecret()
	o.Username, o.Password = a.User, hashed(a.Password)
	return nil
}

// hashed returns a password's bcrypt hash, for the NATS server, which warns of passwords in plain text.
// Only the service needs the plain text, to tell it to clients of this host. The hash is never stored,
// so it uses the least cost, for which each connection waits. A password that is too long for bcrypt is
// returned as it is.
func hashed(password string) string {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		return password
	}
	return string(hash)
}

// plain reports whether a password is in plain text, and not a hash.
func plain(password string) bool { return !strings.HasPrefix(password, "$2") }

// localURL returns the URL by which clients of this host reach a server that listens at that URL, which
// may have the unspecified address.
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

// natsLog writes the NATS server's log to a slog.Logger.
type natsLog struct{ log *slog.Logger }

func (l natsLog) Noticef(format string, v ...any) { l.log.Info("NATS: " + fmt.Sprintf(format, v...)) }
func (l natsLog) Warnf(format string, v ...any)   { l.log.Warn("NATS: " + fmt.Sprintf(format, v...)) }
func (l natsLog) Fatalf(format string, v ...any)  { l.log.Error("NATS: " + fmt.Sprintf(format, v...)) }
func (l natsLog) Errorf(format string, v ...any)  { l.log.Error("NATS: " + fmt.Sprintf(format, v...)) }
func (l natsLog) Debugf(format string, v ...any)  { l.log.Debug("NATS: " + fmt.Sprintf(format, v...)) }
func (l natsLog) Tracef(format string, v ...any)  { l.log.Debug("NATS: " + fmt.Sprintf(format, v...)) }
