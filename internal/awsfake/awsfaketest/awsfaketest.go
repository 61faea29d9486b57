// Package awsfaketest serves the stand-ins of package awsfake inside a test.
package awsfaketest

import (
	"net/http/httptest"
	"testing"
	"time"

	"reseed/internal/awsfake"
)

// Resources names the buckets and queues that exist from the start.
type Resources struct {
	Buckets []string
	Queues  []string
}

// Start serves S3 and SQS until the test ends and returns their base URLs (for AWS_ENDPOINT_URL_S3
// and AWS_ENDPOINT_URL_SQS, or a client's BaseEndpoint). Each call starts with empty ones. Pass
// sqsURL to [awsfake.QueueURL] for the URL of a queue. Buckets are addressed by path, which the SDK
// chooses when the host is an IP address.
func Start(tb testing.TB, have Resources) (s3URL, sqsURL string) {
	tb.Helper()
	s3, err := awsfake.NewS3(have.Buckets...)
	if err != nil {
		tb.Fatal(err)
	}
	s3Server := httptest.NewServer(s3)
	tb.Cleanup(s3Server.Close)
	sqsServer := httptest.NewServer(awsfake.NewSQS(time.Now, have.Queues...))
	tb.Cleanup(sqsServer.Close)
	return s3Server.URL, sqsServer.URL
}
