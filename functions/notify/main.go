// Command notify runs once a minute. It tells people of the jobs that have ended or wait for them, by
// mail and webhook.
package main

import (
	"log/slog"
	"time"

	"reseed/functions/internal/function"
	"reseed/pkg/app"
	"reseed/pkg/config"
	"reseed/pkg/notify"
	"reseed/pkg/notify/mail"
	"reseed/pkg/notify/ses"
)

func main() {
	function.Main(0, func(a *app.App, c config.Config, log *slog.Logger) any {
		return notify.New(notify.Config{
			Store: a.Store, Ledger: a.Ledger, Now: time.Now, Log: log, PublicURL: c.PublicURL,
			Mail: byMail(c, log), Webhook: notify.ToWebhook(c, time.Now),
		}).Deliver
	})
}

// byMail is the way for mail that the settings name; nil if they name nobody.
func byMail(c config.Config, log *slog.Logger) notify.Way {
	people := mail.PeopleOf(c)
	switch {
	case len(people.To) == 0:
		return nil
	case c.MailServer.Host != "":
		return mail.ToServer(c.MailServer, people, nil, log)
	}
	return ses.To(people)
}
