package mail_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/internal/mailtest"
	"reseed/pkg/config"
	"reseed/pkg/notify"
	notifymail "reseed/pkg/notify/mail"
)

func message() *notify.Message {
	return &notify.Message{
		Facts: &notify.Facts{ID: "j1-ended", Job: "j1"}, Made: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC),
		Subject: "Import into Größe: done", Text: "Größe: done\n.\nFrom here on\n", HTML: "<p>Größe: done</p>",
	}
}

func people(to ...string) notifymail.People {
	p := notifymail.People{From: mail.Address{Name: "Reseed", Address: "reseed@acme.example"}}
	for _, a := range to {
		p.To = append(p.To, mail.Address{Address: a})
	}
	return p
}

// way is the way to a server, with the right user, and what it logs.
func way(s *mailtest.Server, p notifymail.People, change ...func(*config.MailServer)) (notify.Way, *bytes.Buffer) {
	server := config.MailServer{Host: s.Host, Port: s.Port, User: mailtest.User, Password: mailtest.Password}
	for _, c := range change {
		c(&server)
	}
	var logged bytes.Buffer
	return notifymail.ToServer(server, p, &tls.Config{RootCAs: s.CA, MinVersion: tls.VersionTLS12}, slog.New(slog.NewTextHandler(&logged, nil))), &logged
}

func TestTheServerGetsTheMessage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		offers mailtest.Options
		change func(*config.MailServer)
	}{
		"STARTTLS and a password":    {mailtest.Options{}, func(*config.MailServer) {}},
		"STARTTLS without password":  {mailtest.Options{}, func(s *config.MailServer) { s.User, s.Password = "", "" }},
		"TLS from the beginning":     {mailtest.Options{TLS: true}, func(s *config.MailServer) { s.TLS = true }},
		"neither TLS nor a password": {mailtest.Options{NoTLS: true}, func(s *config.MailServer) { s.User, s.Password = "", "" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mailtest.Start(t, c.offers)
			send, _ := way(s, people("ann@acme.example", "bob@acme.example"), c.change)
			if err := send(t.Context(), message()); err != nil {
				t.Fatal(err)
			}
			got := s.Mails()
			if len(got) != 1 {
				t.Fatalf("%d mails", len(got))
			}
			m := got[0]
			subject, err := (&mime.WordDecoder{}).DecodeHeader(m.Header.Get("Subject"))
			if err != nil || subject != message().Subject {
				t.Errorf("subject %q, %v", subject, err)
			}
			if m.From != "reseed@acme.example" || strings.Join(m.To, " ") != "ann@acme.example bob@acme.example" {
				t.Errorf("from %s to %v", m.From, m.To)
			}
			if id := m.Header.Get("Message-ID"); id != "<j1-ended@acme.example>" {
				t.Errorf("Message-ID %s", id)
			}
			if at, err := m.Header.Date(); err != nil || !at.Equal(message().Made) {
				t.Errorf("date %v, %v", at, err)
			}
			if text := strings.ReplaceAll(m.Text, "\r\n", "\n"); text != message().Text || m.HTML != message().HTML || m.Header.Get("Auto-Submitted") != "auto-generated" {
				t.Errorf("text %q, html %q, %v", text, m.HTML, m.Header)
			}
		})
	}
}

func TestFailuresAreSaidWithoutValues(t *testing.T) {
	t.Parallel()
	fails := func(step string, f func(net.Conn, string) error) func(*mailtest.Server) {
		return func(s *mailtest.Server) { s.Fail(step, f) }
	}
	answers := func(code int) func(net.Conn, string) error {
		return func(net.Conn, string) error { return mailtest.Answer(code) }
	}
	for name, c := range map[string]struct {
		offers mailtest.Options
		fault  func(*mailtest.Server)
		change func(*config.MailServer)
		want   string
		kept   int
	}{
		"a password in the clear": {offers: mailtest.Options{NoTLS: true}, want: "signing in"},
		"a wrong password":        {change: func(s *config.MailServer) { s.Password = "wrong" }, want: "answered 535: it does not accept the user and password in RESEED_SMTP_URL"},
		"no server":               {change: func(s *config.MailServer) { s.Port = 1 }, want: "failed or broke off"},
		"450 to the sender":       {fault: fails(mailtest.AtMail, answers(450)), want: "answered 450 at this step: MAIL FROM"},
		"every address refused":   {fault: fails(mailtest.AtRcpt, answers(550)), want: "answered 550 at this step: RCPT TO (address 2 of RESEED_MAIL_TO)"},
		"451 to an address":       {fault: fails(mailtest.AtRcpt, answers(451)), want: "answered 451 at this step: RCPT TO (address 1 "},
		"554 to the text":         {fault: fails(mailtest.AtData, answers(554)), want: "answered 554 at this step: the text"},
		"broken off after DATA": {
			fault: fails(mailtest.AfterAll, func(c net.Conn, _ string) error { _ = c.Close(); return io.ErrUnexpectedEOF }), want: "broke off at this step: the text", kept: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mailtest.Start(t, c.offers)
			if c.fault != nil {
				c.fault(s)
			}
			change := c.change
			if change == nil {
				change = func(*config.MailServer) {}
			}
			send, logged := way(s, people("ann@acme.example", "bob@acme.example"), change)
			err := send(t.Context(), message())
			failure, ok := errors.AsType[*notify.UnsentError](err)
			if !ok || failure.Final || !strings.Contains(failure.Why, c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			for _, secret := range []string{"hunter2", "wrong", "ann@", "bob@"} {
				if strings.Contains(logged.String()+err.Error(), secret) {
					t.Errorf("%s tells %s", logged.String()+err.Error(), secret)
				}
			}
			if n := len(s.Mails()); n != c.kept {
				t.Errorf("%d mails", n)
			}
		})
	}
}

func TestAnUnknownCertificateIsRefused(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mailtest.Options{})
	send := notifymail.ToServer(config.MailServer{Host: s.Host, Port: s.Port}, people("ann@acme.example"), nil, slog.New(slog.DiscardHandler))
	if err := send(t.Context(), message()); err == nil || !strings.Contains(err.Error(), "certificate of the mail server is not trusted") {
		t.Error(err)
	}
}

// A server that does not answer any more is left when the time for the try is over.
func TestAServerThatHangsIsLeft(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mailtest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	s.Fail(mailtest.AtMail, func(net.Conn, string) error { cancel(); <-t.Context().Done(); return nil })
	send, _ := way(s, people("ann@acme.example"))
	if err := send(ctx, message()); err == nil {
		t.Error("it was sent")
	}
}

// What the server says after it has taken the message does not matter, and an address that it refuses
// for good does not keep the message from the others.
func TestOneOfTheAddressesIsRefused(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mailtest.Options{})
	s.Fail(mailtest.AtRcpt, func(_ net.Conn, to string) error {
		if to == "ann@acme.example" {
			return mailtest.Answer(550)
		}
		return nil
	})
	send, logged := way(s, people("ann@acme.example", "bob@acme.example"))
	if err := send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	if got := s.Mails(); len(got) != 1 || strings.Join(got[0].To, " ") != "bob@acme.example" {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(logged.String(), "address=1 answer=550") || strings.Contains(logged.String(), "ann@") {
		t.Error(logged.String())
	}
}

func TestTheFolderGetsOneFile(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "outbox")
	send := notifymail.ToFolder(folder, notifymail.People{})
	for range 2 {
		if err := send(t.Context(), message()); err != nil {
			t.Fatal(err)
		}
	}
	list, err := os.ReadDir(folder)
	if err != nil || len(list) != 1 || list[0].Name() != "j1-ended.eml" {
		t.Fatalf("%v, %v", list, err)
	}
	raw, err := os.ReadFile(filepath.Join(folder, list[0].Name()))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := mailtest.Parse(raw); err != nil || m.Header.Get("From") != `"Reseed" <reseed@localhost>` || !strings.Contains(m.Text, "Größe") {
		t.Errorf("%+v, %v", m, err)
	}
}

// A message deletes those of more than 30 days before it, and nothing else.
func TestOldMessagesLeaveTheFolder(t *testing.T) {
	t.Parallel()
	folder, m := t.TempDir(), message()
	at := func(days int) time.Time { return m.Made.Add(-time.Duration(days) * 24 * time.Hour) }
	for name, days := range map[string]int{"old.eml": 31, ".half-old": 31, "young.eml": 29, ".half-young": 1, "notes.txt": 400} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at(days), at(days)); err != nil {
			t.Fatal(err)
		}
	}
	inner := filepath.Join(folder, "folder.eml")
	if err := errors.Join(os.Mkdir(inner, 0o700), os.Chtimes(inner, at(50), at(50))); err != nil {
		t.Fatal(err)
	}
	if err := notifymail.ToFolder(folder, notifymail.People{})(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(folder)
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	if want := []string{".half-young", "folder.eml", "j1-ended.eml", "notes.txt", "young.eml"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("%v, %v; want %v", names, err, want)
	}
}

// A message that names people goes to them, and to nobody else.
func TestAMessageMayNameOtherPeople(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mailtest.Options{})
	send, _ := way(s, people("ann@acme.example", "bob@acme.example"))
	m := message()
	m.To = []string{"cid@acme.example"}
	if err := send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	got := s.Mails()
	if len(got) != 2 || strings.Join(got[0].To, " ") != "cid@acme.example" || !strings.Contains(got[0].Header.Get("To"), "cid@acme.example") || len(got[1].To) != 2 {
		t.Fatalf("%+v", got)
	}
	s.Fail(mailtest.AtRcpt, func(net.Conn, string) error { return mailtest.Answer(450) })
	if err := send(t.Context(), m); err == nil || !strings.Contains(err.Error(), "address 1 of the settings of the account") {
		t.Error(err)
	}
}
