// Package function starts a Lambda function: what every main would otherwise spell for itself.
package function

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"reseed/pkg/app"
	"reseed/pkg/cloud"
	"reseed/pkg/config"
)

// Main reads the settings of the environment, puts Reseed together on AWS, and serves the handler
// that handler makes, of a kind that [lambda.Start] takes. Every function needs a table, a bucket and
// the queues; needs says what more. Settings that are missing or wrong are logged, and end the process.
func Main(needs config.Need, handler func(*app.App, config.Config, *slog.Logger) any) {
	log := lambdacontext.NewLogger()
	c, err := config.Read(os.Environ(), config.Table|config.Bucket|config.Queues|needs)
	if err != nil {
		fail(log, err)
	}
	a, err := cloud.App(context.Background(), c, time.Now, log)
	if err != nil {
		fail(log, err)
	}
	lambda.Start(handler(a, c, log))
}

func fail(log *slog.Logger, err error) {
	log.Error("start", "error", err.Error())
	os.Exit(1)
}
