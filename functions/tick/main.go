// Command tick goes on with what was left, every minute: it starts waiting jobs, and
// hands out again unfinished imports and sweeps.
package main

import (
	"context"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"reseed/pkg/cloud"
	"reseed/pkg/config"
)

func main() {
	log := lambdacontext.NewLogger()
	c, err := config.Read(os.Environ(), config.Table|config.Bucket|config.Queues)
	if err != nil {
		log.Error("start", "error", err.Error())
		os.Exit(1)
	}
	l, err := cloud.Line(context.Background(), c, time.Now, log)
	if err != nil {
		log.Error("start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(l.Tick)
}
