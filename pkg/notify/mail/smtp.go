package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/textproto"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"reseed/pkg/config"
	"reseed/pkg/notify"
)

// patience is how long one delivery may take, with all answers of the server.
const patience = 15 * time.Second

// sender sends to one server.
type sender struct {
	server config.MailServer
	people People
	tls    *tls.Config
	log    *slog.Logger
}

// ToServer returns the way to an SMTP server. A message to several people is sent once for all of
// them. An address that the server refuses for good (5xx) is left out, and the log says so. If it asks
// to try an address again later (4xx), the message is sent to nobody, and later to all. tlsConfig may be nil.
func ToServer(server config.MailServer, p People, tlsConfig *tls.Config, log *slog.Logger) notify.Way {
	if tlsConfig == nil {
		tlsConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	tlsConfig = tlsConfig.Clone()
	tlsConfig.ServerName = server.Host
	return (&sender{server, p, tlsConfig, log}).send
}

func (s *sender) send(ctx context.Context, m *notify.Message) error {
	body, err := s.people.Compose(m)
	if err != nil {
		return err
	}
	conn, err := s.dial(ctx)
	if err != nil {
		return why("connecting and signing in", err)
	}
	// The connection has a deadline of its own. The context may end earlier.
	defer context.AfterFunc(ctx, func() { _ = conn.Text.Close() })() // conn.Close would wait for the answer
	defer func() { _ = conn.Close() }()
	if err := s.envelope(ctx, conn, s.people.For(m)); err != nil {
		return err
	}
	w, err := conn.Data()
	if err != nil {
		return why("DATA", err)
	}
	if _, err := w.Write(body); err != nil {
		return why("the text of the message", err)
	}
	if err := w.Close(); err != nil { // the answer to the message
		return why("the text of the message", err)
	}
	_ = conn.Quit() // the server has taken it: what it says now does not matter
	return nil
}

// dial connects, encrypts and signs in.
func (s *sender) dial(ctx context.Context) (*smtp.Client, error) {
	policy := gomail.TLSOpportunistic
	if s.server.Password != "" { // never sent in the clear
		policy = gomail.TLSMandatory
	}
	options := []gomail.Option{
		gomail.WithPort(s.server.Port), gomail.WithTimeout(patience), gomail.WithTLSPolicy(policy), gomail.WithTLSConfig(s.tls),
	}
	if s.server.TLS {
		options = append(options, gomail.WithSSL())
	}
	if s.server.Password != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.server.User), gomail.WithPassword(s.server.Password))
	}
	c, err := gomail.NewClient(s.server.Host, options...)
	if err != nil {
		return nil, err
	}
	return c.DialToSMTPClientWithContext(ctx)
}

// envelope says whom the message is from and for.
func (s *sender) envelope(ctx context.Context, conn *smtp.Client, people People) error {
	if err := conn.Mail(people.From.Address); err != nil {
		return why("MAIL FROM (RESEED_MAIL_FROM)", err)
	}
	var refused int
	for i, to := range people.To {
		err := conn.Rcpt(to.Address)
		if err == nil {
			continue
		}
		if refused++; codeOf(err) < 500 || refused == len(people.To) {
			return why(fmt.Sprintf("RCPT TO (address %d of %s)", i+1, cmp.Or(people.named, "RESEED_MAIL_TO")), err)
		}
		s.log.WarnContext(ctx, "the mail server refuses an address: it gets no messages", "of", cmp.Or(people.named, "RESEED_MAIL_TO"), "address", i+1, "answer", codeOf(err))
	}
	return nil
}

// codeOf is the code of a server's answer; 0 if err is none.
func codeOf(err error) int {
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return answer.Code
	}
	return 0
}

// why says what went wrong at a step. It leaves out the server's own words, which may hold addresses.
func why(step string, err error) *notify.UnsentError {
	var unknown x509.UnknownAuthorityError
	var certificate *tls.CertificateVerificationError
	var timeout net.Error
	text := "The connection to the mail server failed or broke off at this step: " + step + "."
	switch code := codeOf(err); {
	case code/10 == 53:
		text = fmt.Sprintf("The mail server answered %d: it does not accept the user and password in RESEED_SMTP_URL.", code)
	case code != 0:
		text = fmt.Sprintf("The mail server answered %d at this step: %s.", code, step)
	case errors.As(err, &unknown), errors.As(err, &certificate):
		text = "The certificate of the mail server is not trusted, or not for the host in RESEED_SMTP_URL."
	case errors.As(err, &timeout) && timeout.Timeout():
		text = "The mail server did not answer in time at this step: " + step + "."
	}
	return &notify.UnsentError{Why: text}
}
