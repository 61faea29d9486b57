// Command delete-manual-customers erases every manual customer, with all that belongs
// to them, when it is invoked; {"dry_run": true} only counts.
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
