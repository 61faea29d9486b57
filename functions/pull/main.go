// Command pull reads spreadsheets in Google Sheets for the messages of the pull queue. When it is
// invoked with {"source": name or uuid}, it begins a pull of that source; {"plan": true} with it makes
// a plan.
package main

import (
	"context"
	"log/slog"

	"reseed/functions/internal/function"
	"reseed/pkg/app"
	"reseed/pkg/cloud"
	"reseed/pkg/config"
	"reseed/pkg/fault"
	"reseed/pkg/puller"
	"reseed/pkg/source/sheets"
	"reseed/pkg/source/sheets/google"
	"reseed/pkg/trigger"
)

func main() {
	function.Main(0, func(a *app.App, c config.Config, log *slog.Logger) any {
		r := &readers{c: c}
		return trigger.QueueOrInvoke(log, func(ctx context.Context, m puller.Message) error {
			return a.Puller.With(r.reader(ctx)).Handle(ctx, m)
		}, a.PullSource)
	})
}

// readers keeps the reader for the key in the secret. A key that is replaced counts from the next
// message on. Lambda hands a process one event at a time.
type readers struct {
	c    config.Config
	key  string
	kept sheets.Reader
}

func (r *readers) reader(ctx context.Context) sheets.Reader {
	key, err := cloud.Secret(ctx, r.c.GoogleSecret)
	if fault.Is(err, fault.NotFound) {
		return sheets.Missing{Err: fault.New(fault.Invalid, "no_google_key",
			"There is no key of a Google service account: store it in Secrets Manager, as the secret that the parameter GoogleSecret of the stack names, then sync again.")}
	}
	if err != nil {
		return sheets.Missing{Err: err}
	}
	if r.kept == nil || key != r.key {
		made, err := google.New(google.Config{Key: []byte(key), Endpoint: r.c.GoogleEndpoint})
		if err != nil {
			return sheets.Missing{Err: err}
		}
		r.kept, r.key = made, key
	}
	return r.kept
}
