package main

import (
	"context"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"reseed/pkg/api/wire"
	"reseed/pkg/app"
	"reseed/pkg/config"
	"reseed/pkg/notify"
	"reseed/pkg/notify/mail"
	"reseed/pkg/notify/ses"
)

// notifier tells people of jobs. It is nil if that is not for this process: on DynamoDB other
// processes may have the settings for it, so only a server that has some does it.
func (sh *shell) notifier(a *app.App, c config.Config) *notify.Notifier {
	alone := a.Store.Exclusive()
	if !alone && (!sh.serving || len(c.MailTo) == 0 && c.WebhookURL == "") {
		return nil
	}
	return notify.New(notify.Config{
		Store: a.Store, Ledger: a.Ledger, Now: time.Now, Log: a.Log, PublicURL: c.PublicURL,
		Mail: sh.byMail(c, alone, a.Log), Webhook: notify.ToWebhook(c, time.Now),
	})
}

// byMail is the way for mail: the server of the settings, or SES if the table is on DynamoDB, or else
// a folder of the data folder.
func (sh *shell) byMail(c config.Config, alone bool, log *slog.Logger) notify.Way {
	people := mail.PeopleOf(c)
	switch {
	case c.MailServer.Host != "":
		return mail.ToServer(c.MailServer, people, nil, log)
	case alone:
		return mail.ToFolder(filepath.Join(sh.data, "outbox"), people)
	case len(people.To) > 0:
		return ses.To(people)
	}
	return nil
}

// goodbye is how long a process that ends begins to tell people of the jobs that it has ended.
const goodbye = 5 * time.Second

// lastMessages tells people of the jobs that have ended since the last tick. What does not get
// through now waits for the next process.
func (in *instance) lastMessages(ctx context.Context) {
	if in.people == nil {
		return
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer time.AfterFunc(goodbye, stop).Stop()
	defer stop()
	if err := in.people.Deliver(ctx); err != nil {
		in.Log.Error("people could not be told of jobs", "error", err.Error())
	}
}

// printMessages says what people were told of a job, or could not be told. It says nothing of ways
// that the settings do not name, or that nothing was tried on yet.
func (sh *shell) printMessages(j *wire.Job) {
	for _, m := range j.Messages {
		for _, way := range slices.Sorted(maps.Keys(m.Ways)) {
			d := m.Ways[way]
			name := strings.ToUpper(way[:1]) + way[1:]
			if m.About == "waiting" {
				name += " that it waits"
			}
			switch {
			case d.Result == "sent":
				sh.printf("%s: sent on %s\n", name, d.At.UTC().Format(time.RFC3339))
			case d.Result == "given up":
				sh.printf("%s: given up after %d tries: %s\n", name, d.Tries, d.Why)
			case d.Result == "" && d.Why != "":
				sh.printf("%s: not sent yet, after %d tries: %s The next try is after %s.\n", name, d.Tries, d.Why, d.Next.UTC().Format(time.RFC3339))
			}
		}
	}
}

// tellFlag is the flag --mail of commands whose jobs people are told of unless it says no.
type tellFlag struct{ tell bool }

func (f *tellFlag) addTo(c *cobra.Command) {
	c.Flags().BoolVar(&f.tell, "mail", true, "tell people how it ends by mail or webhook, as the settings of the server say (README.md); --mail=false: nobody")
}

// wire is what a request says about mail: nothing if people are to be told, which the API does by itself.
func (f *tellFlag) wire() *bool {
	if f.tell {
		return nil
	}
	return &f.tell
}
