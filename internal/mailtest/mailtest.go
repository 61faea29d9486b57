// Package mailtest is an SMTP server for tests: it speaks STARTTLS with a certificate of its own,
// lets one user in, keeps what it takes, and can fail at each step.
package mailtest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// The user that is let in.
const (
	User     = "reseed@acme.example"
	Password = "hunter2/and:more"
)

// Steps of a delivery, for [Server.Fail].
const (
	AtMail   = "MAIL"
	AtRcpt   = "RCPT"
	AtData   = "DATA"   // before the message was taken
	AfterAll = "answer" // the message was taken, and is kept
)

// Mail is an e-mail that the server has taken.
type Mail struct {
	From   string
	To     []string
	Header mail.Header
	Text   string // the part in plain text
	HTML   string
	Raw    string
}

// Server is a running server.
type Server struct {
	Host string
	Port int
	CA   *x509.CertPool // that its certificate is checked against
	PEM  []byte         // the same as a file

	tb    testing.TB
	mu    sync.Mutex
	mails []Mail
	fail  map[string]func(conn net.Conn, arg string) error
}

// Options say what a server offers.
type Options struct {
	NoTLS bool // neither STARTTLS nor signing in
	TLS   bool // from the beginning, as smtps:// wants it
}

// Start starts a server, which ends with the test.
func Start(tb testing.TB, opt Options) *Server {
	tb.Helper()
	s := &Server{Host: "127.0.0.1", tb: tb, fail: map[string]func(net.Conn, string) error{}}
	config := s.certify()
	var lc net.ListenConfig
	l, err := lc.Listen(tb.Context(), "tcp", s.Host+":0")
	if err != nil {
		tb.Fatal(err)
	}
	s.Port = l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // of a TCP listener
	srv := smtp.NewServer(s)
	srv.Domain, srv.ErrorLog = "mail.example", silent{}
	if !opt.NoTLS {
		srv.TLSConfig = config
	}
	if opt.TLS {
		l = tls.NewListener(l, config)
	}
	go func() { _ = srv.Serve(l) }()
	tb.Cleanup(func() { _ = srv.Close() })
	return s
}

// Fail makes the server do f at a step: an error of f is its answer. f gets the connection, which it may
// close, and the argument of the step.
func (s *Server) Fail(step string, f func(conn net.Conn, arg string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail[step] = f
}

// Mails are the messages that the server has taken.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

func (s *Server) at(step string, conn net.Conn, arg string) error {
	s.mu.Lock()
	f := s.fail[step]
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(conn, arg)
}

// Answer is an answer of an SMTP server that refuses something.
func Answer(code int) error {
	return &smtp.SMTPError{Code: code, Message: "no, <ann@acme.example>"}
}

// silent is a logger that drops everything.
type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

// NewSession implements [smtp.Backend].
func (s *Server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{Server: s, conn: c}, nil
}

type session struct {
	*Server

	conn *smtp.Conn
	mail Mail
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != User || password != Password {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (s *session) Reset()        { s.mail = Mail{} }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.mail.From = from
	return s.at(AtMail, s.conn.Conn(), from)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.at(AtRcpt, s.conn.Conn(), to); err != nil {
		return err
	}
	s.mail.To = append(s.mail.To, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.at(AtData, s.conn.Conn(), ""); err != nil {
		return err
	}
	got, err := Parse(raw)
	if err != nil {
		s.tb.Errorf("the message is not an e-mail: %v", err)
		return err
	}
	got.From, got.To = s.mail.From, s.mail.To
	s.mu.Lock()
	s.mails = append(s.mails, got)
	s.mu.Unlock()
	return s.at(AfterAll, s.conn.Conn(), "")
}

// Parse reads an e-mail with a part in plain text and one in HTML.
func Parse(raw []byte) (Mail, error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Mail{}, err
	}
	out := Mail{Header: m.Header, Raw: string(raw)}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return out, fmt.Errorf("content type %q: %w", kind, err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return out, err
		}
		var body io.Reader = p
		if p.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(p)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			return out, err
		}
		switch kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type")); kind {
		case "text/plain":
			out.Text = string(text)
		case "text/html":
			out.HTML = string(text)
		}
	}
	if out.Text == "" || out.HTML == "" {
		return out, errors.New("a part is missing")
	}
	return out, nil
}

// certify makes a certificate for the server.
func (s *Server) certify() *tls.Config {
	s.tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.ParseIP(s.Host)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.PEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	s.CA = x509.NewCertPool()
	s.CA.AppendCertsFromPEM(s.PEM)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}
