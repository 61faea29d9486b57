// Command delete-manual-customers erases all manual customers, with everything that belongs to
// them, when it is invoked. With {"dry_run": true} it only counts them.
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
		return trigger.QueueOrInvoke(log, a.Sweep, a.EraseManual)
	})
}
