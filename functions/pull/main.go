// Command pull reads spreadsheets in Google Sheets and billing systems for the messages of the pull queue. When it is
// invoked with {"source": name or uuid}, it begins a pull of that source; {"plan": true} with it makes
// a plan. With {"order": {...}} it checks and keeps the credentials of a billing system: it alone may read them.
package main

import (
	"context"
	"log/slog"

	"reseed/functions/internal/function"
	"reseed/pkg/app"
	"reseed/pkg/cloud"
	"reseed/pkg/config"
	"reseed/pkg/fault"
	"reseed/pkg/source/sheets"
	"reseed/pkg/source/sheets/google"
	"reseed/pkg/trigger"
)

func main() {
	function.Main(0, func(a *app.App, c config.Config, log *slog.Logger) any {
		return trigger.QueueOrInvoke(log, a.Puller.With(&reader{c: c}).Handle, a.PullSource)
	})
}

// reader reads spreadsheets with the key in the secret. It reads the secret at the beginning of each
// attempt to read a spreadsheet, so that a key that is replaced counts at once. Lambda hands a process
// one event at a time.
type reader struct {
	c    config.Config
	key  string
	kept *google.Client
}

// open reads the secret.
func (r *reader) open(ctx context.Context) (*google.Client, error) {
	key, err := cloud.Secret(ctx, r.c.GoogleSecret)
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.Invalid, "no_google_key",
			"There is no key of a Google service account: store it in Secrets Manager, as the secret that the parameter GoogleSecret of the stack names, then sync again.")
	}
	if err != nil {
		return nil, fault.New(fault.KindOf(err), "google_secret", err.Error())
	}
	if r.kept == nil || key != r.key {
		if r.kept, err = google.New(google.Config{Key: []byte(key), Endpoint: r.c.GoogleEndpoint}); err != nil {
			return nil, err
		}
		r.key = key
	}
	return r.kept, nil
}

// Address is known once a spreadsheet was read.
func (r *reader) Address() string {
	if r.kept == nil {
		return r.c.GoogleAddress
	}
	return r.kept.Address()
}

// Version implements [sheets.Reader]. It is the first call of an attempt.
func (r *reader) Version(ctx context.Context, id string) (int64, error) {
	c, err := r.open(ctx)
	if err != nil {
		return 0, err
	}
	return c.Version(ctx, id)
}

// Book implements [sheets.Reader].
func (r *reader) Book(ctx context.Context, id string) (sheets.Book, error) {
	c, err := r.client(ctx)
	if err != nil {
		return sheets.Book{}, err
	}
	return c.Book(ctx, id)
}

// Values implements [sheets.Reader].
func (r *reader) Values(ctx context.Context, id string, spans []sheets.Span) ([]sheets.Values, error) {
	c, err := r.client(ctx)
	if err != nil {
		return nil, err
	}
	return c.Values(ctx, id, spans)
}

// client is the one for the key that was read last.
func (r *reader) client(ctx context.Context) (*google.Client, error) {
	if r.kept != nil {
		return r.kept, nil
	}
	return r.open(ctx)
}
