package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"reseed/pkg/api/wire"
)

type settingsPage struct {
	base
	Settings wire.AccountSettings
	Saved    bool
	// the fields of the form, as they were sent or as they are
	Grace, MaxRemoved, MailTo string
	MailOff                   bool
	Problems                  map[string]string
	TestProblem               string
}

// showSettings is GET /settings.
func (c *Console) showSettings(v *visit) (answer, error) {
	p, err := v.settingsPage()
	return show("settings", p), err
}

// showTestMail is GET /settings/test: the part of the page that says what became of the test message.
func (c *Console) showTestMail(v *visit) (answer, error) {
	p, err := v.settingsPage()
	return part("settings", "test", p), err
}

func (v *visit) settingsPage() (settingsPage, error) {
	s, err := v.client.AccountSettings(v.ctx())
	p := settingsPage{base: v.base("Settings", "settings"), Settings: s, Saved: v.URL.Query().Get("saved") != "", MailOff: !s.Mail.On, Problems: map[string]string{}}
	if s.Grace.From == wire.FromAccount {
		p.Grace = s.Grace.Value
	}
	if s.MaxRemoved.From == wire.FromAccount {
		p.MaxRemoved = strconv.Itoa(s.MaxRemoved.Value)
	}
	if s.Mail.From == wire.FromAccount {
		p.MailTo = strings.Join(s.Mail.To, "\n")
	}
	return p, err
}

// Graces are the grace periods to choose from.
func (p settingsPage) Graces() []option {
	list := []option{{"", "as the server says: " + graceWords(p.Settings.Grace.Environment), false}}
	values := []string{"0s", "1h", "24h", "72h", "168h", "336h", "720h", "2160h"}
	if p.Grace != "" && !slices.Contains(values, p.Grace) {
		values = append(values, p.Grace)
	}
	for _, value := range values {
		list = append(list, option{value, graceWords(value), false})
	}
	for i := range list {
		list[i].Chosen = list[i].Value == p.Grace
	}
	return list
}

// graceWords writes a grace period for people.
func graceWords(grace string) string {
	d, err := wire.ParseEvery(grace)
	if err != nil || d <= 0 {
		return "not at all"
	}
	return span(d.Seconds())
}

// scheduleWords writes how often a spreadsheet is read, for people.
func scheduleWords(every string) string {
	switch d, err := wire.ParseEvery(every); {
	case err != nil:
		return every
	case d <= 0:
		return "only when I ask for it"
	case d.Hours() == 1:
		return "every hour"
	case d.Hours() == 24:
		return "every day"
	case d.Hours() == 168:
		return "every week"
	default:
		return "every " + span(d.Seconds())
	}
}

// saveSettings is POST /settings.
func (c *Console) saveSettings(v *visit) (answer, error) {
	p, err := v.settingsPage()
	if err != nil {
		return answer{}, err
	}
	p.Grace, p.MaxRemoved, p.MailTo = v.PostFormValue("grace"), strings.TrimSpace(v.PostFormValue("max_removed")), v.PostFormValue("mail_to")
	p.MailOff = v.PostFormValue("mail") == "off"
	_, err = v.client.ChangeAccountSettings(v.ctx(), p.change())
	if e := refusedBy(err); e != nil {
		for name, text := range e.Fields {
			p.Problems[name] = strings.ToUpper(text[:1]) + text[1:] + "."
		}
		if len(e.Fields) == 0 {
			p.Problems["grace"] = e.Message
		}
		return refuse("settings", p), nil
	}
	if err != nil {
		return answer{}, err
	}
	return goTo("/settings?saved=yes"), nil
}

// change is what the form changes. What is empty is taken away, so that the server's setting counts.
func (p settingsPage) change() map[string]any {
	change := map[string]any{"grace": nil, "max_removed": nil, "mail": nil, "mail_to": nil}
	if p.Grace != "" {
		change["grace"] = p.Grace
	}
	if p.MaxRemoved != "" {
		change["max_removed"] = p.MaxRemoved
	}
	if p.MailOff {
		change["mail"] = false
	}
	if to := strings.FieldsFunc(p.MailTo, func(r rune) bool { return r == '\n' || r == '\r' || r == ',' || r == ';' || r == ' ' }); len(to) > 0 {
		change["mail_to"] = to
	}
	return change
}

// sendTest is POST /settings/test: it sends a test message.
func (c *Console) sendTest(v *visit) (answer, error) {
	_, err := v.client.SendTestMail(v.ctx())
	if e, ok := refusal(err, http.StatusConflict); ok {
		p, err := v.settingsPage()
		p.Path, p.TestProblem = "/settings", e.Message
		return refuse("settings", p), err
	}
	if err != nil {
		return answer{}, err
	}
	return goTo("/settings#test"), nil
}

// Testing reports whether a test message is still on its way, and the page asks again.
func (p settingsPage) Testing() bool {
	return !p.Paused && p.Settings.TestMail != nil && p.Settings.TestMail.Result == ""
}
