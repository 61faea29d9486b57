package mail

import (
	"bytes"
	"net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"reseed/pkg/config"
	"reseed/pkg/fault"
	"reseed/pkg/notify"
)

// People are whom messages come from and go to.
type People struct {
	From mail.Address
	To   []mail.Address

	named string // where the addresses in To come from, for errors
}

// PeopleOf are the people that the settings name.
func PeopleOf(c config.Config) People {
	p := People{From: c.MailFrom.Address, named: "RESEED_MAIL_TO"}
	for _, a := range c.MailTo {
		p.To = append(p.To, a.Address)
	}
	return p
}

// For are the people for one message, which may name others than the environment does.
func (p People) For(m *notify.Message) People {
	if len(m.To) == 0 {
		return p
	}
	p.To, p.named = nil, "the settings of the account"
	for _, a := range m.To {
		p.To = append(p.To, mail.Address{Address: a})
	}
	return p
}

// Compose writes a message as an e-mail with a part in plain text and one in HTML. All copies of a
// message have the same Message-ID.
func (p People) Compose(m *notify.Message) ([]byte, error) {
	p = p.For(m)
	out := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	out.FromMailAddress(&p.From)
	for i := range p.To {
		out.AddToMailAddress(&p.To[i])
	}
	_, domain, _ := strings.Cut(p.From.Address, "@")
	out.SetMessageIDWithValue(m.ID + "@" + domain)
	out.SetDateWithValue(m.Made)
	out.SetGenHeader("Auto-Submitted", "auto-generated")
	out.SetGenHeader("X-Reseed-Message", m.ID)
	out.Subject(m.Subject)
	out.SetBodyString(gomail.TypeTextPlain, m.Text)
	out.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	var b bytes.Buffer
	if _, err := out.WriteTo(&b); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "message", "write an e-mail")
	}
	return b.Bytes(), nil
}
