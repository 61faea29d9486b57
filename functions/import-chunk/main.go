// Command import-chunk does one step of an import for each message of the import queue: it maps one
// piece, or merges or applies one key range, or ends the job. It does the steps of exports, too.
package main

import (
	"log/slog"

	"reseed/functions/internal/function"
	"reseed/pkg/app"
	"reseed/pkg/config"
	"reseed/pkg/trigger"
)

func main() {
	function.Main(0, func(a *app.App, _ config.Config, log *slog.Logger) any {
		return trigger.Queue(log, a.Work)
	})
}
