package config

import (
	"encoding/base64"
	"errors"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
)

// MailServer is an SMTP server.
type MailServer struct {
	Host           string // empty: none is set
	Port           int
	User, Password string
	// TLS says that the connection is encrypted from the beginning. Otherwise it is as soon as the
	// server offers that (STARTTLS), which a server must if there is a password.
	TLS bool
}

// Address is an e-mail address, perhaps with a name.
type Address struct{ mail.Address }

// Link is a URL that may hold a secret.
type Link string

// Secret is the key with which webhooks are signed.
type Secret []byte

const (
	wantServer  = "smtp://user:password@host:port is expected, or smtps:// for a server that speaks TLS from the beginning"
	wantAddress = "an e-mail address is expected"
	wantLink    = "a URL with https:// is expected, or with http:// on this machine"
	wantSecret  = "whsec" + "_ and 24 to 64 bytes in base64 are expected (echo whsec_$(openssl rand -base64 32))"
)

// parseServer reads smtp://user:password@host:port.
func parseServer(text string) (any, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New(wantServer)
	}
	s := MailServer{Host: u.Hostname(), Port: 587, TLS: u.Scheme == "smtps", User: u.User.Username()}
	s.Password, _ = u.User.Password()
	if s.TLS {
		s.Port = 465
	}
	if p := u.Port(); p != "" {
		s.Port, err = strconv.Atoi(p)
	}
	if err != nil || s.Port < 1 || s.Port > 65535 || (s.User == "") != (s.Password == "") {
		return nil, errors.New(wantServer)
	}
	return s, nil
}

func parseAddress(text string) (any, error) {
	a, err := mail.ParseAddress(strings.TrimSpace(text))
	if err != nil {
		return nil, errors.New(wantAddress)
	}
	return Address{*a}, nil
}

func parseLink(text string) (any, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, errors.New(wantLink)
	}
	return Link(text), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func parseSecret(text string) (any, error) {
	encoded, ok := strings.CutPrefix(text, "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New(wantSecret)
	}
	return Secret(key), nil
}

// incomplete returns a sentence for each setting of mail or webhook that needs another one. It leaves
// out what wrong says already.
func (c *Config) incomplete(wrong []string) (out []string) {
	needs := func(given bool, name string, needed bool, other string) {
		if given && !needed && !strings.Contains(strings.Join(wrong, " "), other) {
			out = append(out, name+" needs "+other)
		}
	}
	server, from, to := c.MailServer.Host != "", c.MailFrom.Address.Address != "", len(c.MailTo) > 0
	needs(server || to, c.mailSetting(), from, "RESEED_MAIL_FROM")
	needs(server || from, c.mailSetting(), to, "RESEED_MAIL_TO")
	needs(c.WebhookURL != "", "RESEED_WEBHOOK_URL", len(c.WebhookSecret) > 0, "RESEED_WEBHOOK_SECRET")
	return out
}

// mailSetting names a setting of mail that is given.
func (c *Config) mailSetting() string {
	switch {
	case c.MailServer.Host != "":
		return "RESEED_SMTP_URL"
	case len(c.MailTo) > 0:
		return "RESEED_MAIL_TO"
	}
	return "RESEED_MAIL_FROM"
}
