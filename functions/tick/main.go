// Command tick runs once a minute. It starts waiting jobs, and re-sends the unfinished tasks of
// imports and sweeps, which may have lost their worker.
package main

import (
	"log/slog"

	"reseed/functions/internal/function"
	"reseed/pkg/app"
	"reseed/pkg/config"
)

func main() {
	function.Main(0, func(a *app.App, _ config.Config, _ *slog.Logger) any {
		return a.Tick
	})
}
