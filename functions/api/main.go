// Command api serves the REST API behind an HTTP API.
package main

import (
	"log/slog"
	"time"

	"reseed/functions/internal/function"
	"reseed/pkg/app"
	"reseed/pkg/chartmogul"
	"reseed/pkg/config"
	"reseed/pkg/edit"
	"reseed/pkg/trigger"
)

func main() {
	function.Main(config.Keys, func(a *app.App, c config.Config, log *slog.Logger) any {
		var keys []chartmogul.Key
		for _, hash := range c.APIKeyHashes {
			keys = append(keys, chartmogul.Key{Hash: hash})
		}
		return trigger.HTTP(chartmogul.New(chartmogul.Config{
			Store: a.Store, Keys: keys, Edits: edit.New(a.Store, time.Now), Jobs: a.Ledger, Now: time.Now, Log: log,
			Imports:   chartmogul.ImportsOf(a),
			Erase:     chartmogul.EraseOf(a.Eraser, a.StartErase),
			PublicURL: c.PublicURL, Currency: c.Currency,
		}))
	})
}
