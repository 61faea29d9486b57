// Command tick goes on with what was left, every minute: it starts waiting jobs, and
// hands out again unfinished imports and sweeps.
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
