package api

import (
	"net/http"
	"slices"
	"time"

	"reseed/pkg/api/wire"
	"reseed/pkg/app"
	"reseed/pkg/billing"
	"reseed/pkg/httpapi"
	"reseed/pkg/job"
	"reseed/pkg/notify"
	"reseed/pkg/store"
)

// mostMailed is how many addresses may get mail.
const mostMailed = 20

// getAccountSettings is GET /v1/settings.
func getAccountSettings(c *call) (httpapi.Reply, error) {
	set, err := c.Store.Settings(c.Context())
	if err != nil {
		return httpapi.Reply{}, err
	}
	return c.answerSettings(http.StatusOK, set)
}

func (c *call) answerSettings(status int, set store.Settings) (httpapi.Reply, error) {
	test, err := c.Jobs.Test(c.Context())
	if err != nil {
		return httpapi.Reply{}, err
	}
	w := c.wireOfAccount(set)
	if test != nil {
		w.TestMail = &wire.TestMail{MadeAt: test.Made, Delivery: wireOfDelivery(test.Ways[notify.Mail])}
	}
	return httpapi.Reply{Status: status, Body: w}, nil
}

// changeAccountSettings is PATCH /v1/settings: it sets the settings that are given. Those that are
// null, or empty, are taken away.
func changeAccountSettings(c *call) (httpapi.Reply, error) {
	f, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f.Only("grace", "max_removed", "mail", "mail_to")
	change := c.settingsChange(f)
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	set, err := c.Store.ChangeSettings(c.Context(), func(s *store.Settings) {
		change(s)
		s.At, s.By = c.Now().UTC(), c.Author
	})
	if err != nil {
		return httpapi.Reply{}, err
	}
	return c.answerSettings(http.StatusOK, set)
}

// settingsChange reads the change that a request makes.
func (c *call) settingsChange(f *httpapi.Fields) func(*store.Settings) {
	grace := graceOf(f)
	share := percentage(f, "max_removed")
	if share != nil && (*share < 0 || *share > 100) {
		f.Fail("max_removed", "must be a percentage from 0 to 100")
	}
	mail := f.Truth("mail")
	to := f.Texts("mail_to", mostMailed)
	for i, address := range to {
		to[i] = f.Checked("mail_to", address, billing.CheckEmail(address))
	}
	return func(s *store.Settings) {
		if f.Has("grace") {
			s.Grace = grace
		}
		if f.Has("max_removed") {
			s.MaxRemoved = share
		}
		if f.Has("mail") {
			if s.Mail = &mail; f.Value("mail") == nil {
				s.Mail = nil
			}
		}
		if f.Has("mail_to") {
			s.MailTo = slices.Clone(to)
		}
	}
}

// graceOf reads a grace period; nil if it is not given.
func graceOf(f *httpapi.Fields) *time.Duration {
	grace, err := app.ParseGrace(f.Text("grace"))
	if err != nil || grace != nil && (*grace < 0 || *grace > job.MaxGrace) {
		f.Fail("grace", "must be a duration from 0s to 2160h (90 days), such as 72h")
	}
	return grace
}

func (c *call) wireOfAccount(set store.Settings) wire.AccountSettings {
	env := c.Environment
	w := wire.AccountSettings{
		Grace:      wire.GraceSetting{Value: graceText(env.Grace), From: fromEnvironment(env.Grace > 0), Environment: graceText(env.Grace)},
		MaxRemoved: wire.ShareSetting{Value: job.DefaultMaxRemoved, From: wire.FromDefault},
		Mail:       wire.MailSetting{On: set.Mail == nil || *set.Mail, To: append([]string{}, env.MailTo...), From: fromEnvironment(len(env.MailTo) > 0)},
		ChangedBy:  set.By,
	}
	if set.Grace != nil {
		w.Grace.Value, w.Grace.From = graceText(*set.Grace), wire.FromAccount
	}
	if set.MaxRemoved != nil {
		w.MaxRemoved = wire.ShareSetting{Value: *set.MaxRemoved, From: wire.FromAccount}
	}
	if len(set.MailTo) > 0 {
		w.Mail.To, w.Mail.From = set.MailTo, wire.FromAccount
	}
	if !set.At.IsZero() {
		w.ChangedAt = &set.At
	}
	return w
}

// graceText writes a grace period as a request may give it.
func graceText(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	return wire.FormatEvery(d)
}

func fromEnvironment(set bool) string {
	if set {
		return wire.FromEnvironment
	}
	return wire.FromDefault
}

// sendTestMail is POST /v1/settings/test_mail: it puts a test message into the outbox.
func sendTestMail(c *call) (httpapi.Reply, error) {
	f, err := c.FieldsIfAny()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f.Only()
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	set, err := c.Store.Settings(c.Context())
	if err != nil {
		return httpapi.Reply{}, err
	}
	if set.Mail != nil && !*set.Mail {
		return httpapi.Reply{}, httpapi.Problem(http.StatusConflict, "", "Mail is switched off in the settings of the account. Switch it on first.")
	}
	if _, err := c.Jobs.PutTest(c.Context()); err != nil {
		return httpapi.Reply{}, err
	}
	if c.MailNow != nil {
		c.MailNow()
	}
	return c.answerSettings(http.StatusAccepted, set)
}
