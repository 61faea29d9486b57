// Command api serves the REST API behind an HTTP API.
package main

import (
	"context"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"reseed/pkg/chartmogul"
	"reseed/pkg/cloud"
	"reseed/pkg/config"
	"reseed/pkg/edit"
	"reseed/pkg/trigger"
)

func main() {
	log := lambdacontext.NewLogger()
	c, err := config.Read(os.Environ(), config.Table|config.Bucket|config.Queues|config.Keys)
	if err != nil {
		log.Error("start", "error", err.Error())
		os.Exit(1)
	}
	l, err := cloud.Line(context.Background(), c, time.Now, log)
	if err != nil {
		log.Error("start", "error", err.Error())
		os.Exit(1)
	}
	var keys []chartmogul.Key
	for _, hash := range c.APIKeyHashes {
		keys = append(keys, chartmogul.Key{Hash: hash})
	}
	lambda.Start(trigger.HTTP(chartmogul.New(chartmogul.Config{
		Store: l.Store, Keys: keys, Edits: edit.New(l.Store, time.Now), Jobs: l.Ledger, Now: time.Now, Log: log,
		Imports:   chartmogul.ImportsOf(l),
		Erase:     chartmogul.EraseOf(l.Eraser, l.StartErase),
		PublicURL: c.PublicURL, Currency: c.Currency,
	})))
}
