// Package awsfake stands in for S3 and SQS in tests and in local runs of the functions.
//
// S3 is gofakes3 in memory, over plain HTTP, with versioned buckets. [NewS3] only keeps the SDK's
// checksums away from it, which it does not understand. [SQS] serves standard queues in memory over
// the JSON protocol of aws-sdk-go-v2, with visibility timeouts, receive counts, dead-letter queues
// and groups that take turns, because the functions rely on these.
//
// Package awsfaketest serves both inside a test. The program awsfake/cmd serves them for the
// containers of the SAM tests. Neither is ever deployed, and both accept any credentials.
package awsfake
