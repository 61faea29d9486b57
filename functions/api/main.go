// Command api serves the console and the REST API behind an HTTP API of API Gateway.
package main

import (
	"context"
	"log/slog"
	"time"

	"reseed/functions/internal/function"
	"reseed/pkg/api"
	"reseed/pkg/app"
	"reseed/pkg/cloud"
	"reseed/pkg/config"
	"reseed/pkg/console"
	"reseed/pkg/edit"
	"reseed/pkg/httpapi"
	"reseed/pkg/source/systems"
	"reseed/pkg/trigger"
)

func main() {
	function.Main(config.Keys, func(a *app.App, c config.Config, log *slog.Logger) any {
		var keys []httpapi.Key
		for _, hash := range c.APIKeyHashes {
			keys = append(keys, httpapi.Key{Hash: hash})
		}
		rest := api.New(api.Config{
			Store: a.Store, Keys: keys, Edits: edit.New(a.Store, time.Now), Jobs: a.Ledger, Now: time.Now, Log: log,
			Imports:   api.ImportsOf(a),
			Exports:   api.ExportsOf(a),
			Syncs:     api.SyncsOf(a.Puller).Through(cloud.Orders(c.PullFunction)),
			Systems:   systems.All(),
			Erase:     api.EraseOf(a.Eraser, a.StartErase),
			PublicURL: c.PublicURL, Currency: c.Currency, Environment: api.EnvironmentOf(c),
		})
		bucket, err := a.FormsTo(context.Background())
		if err != nil { // then large files cannot be sent with the console, and all else goes on
			log.Error("the bucket has no address for files of browsers", "error", err.Error())
		}
		return trigger.HTTP(console.New(console.Config{
			API: rest, Log: log, Now: time.Now, Limit: httpapi.DefaultPatience().Around, PublicURL: c.PublicURL, Bucket: bucket,
		}))
	})
}
