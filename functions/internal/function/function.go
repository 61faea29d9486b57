// Package function starts a Lambda function; the mains of all functions call it.
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

// Main reads the settings from the environment, puts Reseed together on AWS, and serves what
// handler returns: a handler of a type that [lambda.Start] takes. Every function needs a table, a
// bucket and the queues; needs names the settings that it needs besides. If a setting is missing or
// wrong, Main logs that and ends the process.
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
	log.Error("the function could not start", "error", err.Error())
	os.Exit(1)
}
