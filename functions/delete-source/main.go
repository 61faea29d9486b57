// Command delete-source erases one source when it is invoked with {"source": name or uuid}. For
// messages of the erase queue it goes on with erases of any kind.
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
		return trigger.QueueOrInvoke(log, a.Sweep, a.EraseSource)
	})
}
