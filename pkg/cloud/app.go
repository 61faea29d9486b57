package cloud

import (
	"context"
	"log/slog"
	"time"

	"reseed/pkg/app"
	"reseed/pkg/config"
	"reseed/pkg/credentials"
	"reseed/pkg/eraser"
	"reseed/pkg/importer"
	"reseed/pkg/puller"
	"reseed/pkg/source/systems"
)

// App assembles Reseed on AWS. The settings must have been read with the needs config.Table,
// config.Bucket and config.Queues. It makes no call.
func App(ctx context.Context, c config.Config, now func() time.Time, log *slog.Logger) (*app.App, error) {
	at, err := Open(ctx)
	if err != nil {
		return nil, err
	}
	var vault credentials.Vault // only functions that may see credentials know where they are
	if c.Credentials != "" {
		vault = at.Vault(c.Credentials)
	}
	return app.New(app.Config{
		System: systems.ByName, Vault: vault, Base: c.SystemURL,
		Store: at.Store(c.Table), Objects: at.Objects(c.Bucket), Now: now, Log: log, RequestLifetime: c.RequestLifetime, SweepUploads: true,
		Imports: Sender(at, c.QueueURL, func(m importer.Message) string { return m.Source }),
		Sweeps:  Sender(at, c.EraseQueueURL, func(m app.Sweep) string { return m.Source }),
		Pulls:   Sender(at, c.PullQueueURL, func(m puller.Message) string { return m.Source }), ShareWith: c.GoogleAddress,
		Grace: c.Grace, Residue: residue(c),
	}), nil
}

// residue says how long the template keeps backups and logs, in which copies of erased data may
// remain.
func residue(c config.Config) eraser.Residue {
	const day = 24 * time.Hour
	return eraser.Residue{Backups: time.Duration(c.BackupDays) * day, Logs: time.Duration(c.LogDays) * day}
}
