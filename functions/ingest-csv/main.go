// Command ingest-csv imports what is put into the upload folder of the bucket: it is
// started by S3, and makes the job that the queue's workers do.
package main

import (
	"context"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"reseed/pkg/cloud"
	"reseed/pkg/config"
	"reseed/pkg/line"
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
	lambda.Start(trigger.S3(func(ctx context.Context, o trigger.Object) error { return l.Ingest(ctx, line.Upload(o)) }))
}
