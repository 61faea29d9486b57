// Command delete-source erases one source when it is invoked with {"source": name or
// uuid}, and goes on with erases of any kind for the messages of the erase queue.
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
	lambda.Start(trigger.QueueOrInvoke(log, l.Sweep, l.EraseSource))
}
