// Command import-chunk does one step of an import for each message of its queue: it
// maps one piece, or merges and applies one key range, or ends the job.
package main

import (
	"context"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"reseed/pkg/cloud"
	"reseed/pkg/config"
	"reseed/pkg/trigger"
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
	lambda.Start(trigger.Queue(log, l.Importer.Handle))
}
