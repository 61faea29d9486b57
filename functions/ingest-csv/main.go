// Command ingest-csv is called by S3 when a file was put into the upload folder of the bucket. It
// makes the import job; function import-chunk does it.
package main

import (
	"context"
	"log/slog"

	"reseed/functions/internal/function"
	"reseed/pkg/app"
	"reseed/pkg/config"
	"reseed/pkg/trigger"
)

func main() {
	function.Main(0, func(a *app.App, _ config.Config, log *slog.Logger) any {
		return trigger.S3(log, func(ctx context.Context, o trigger.Object) error { return a.Ingest(ctx, app.Upload(o)) })
	})
}
