// Package awsfake stands in for S3, SQS and Secrets Manager in tests and in local runs of the functions.
//
// S3 is gofakes3 in memory, over plain HTTP, with versioned buckets. [NewS3] only keeps the SDK's
// checksums away from it, which it does not understand. [SQS] serves standard queues in memory over
// the JSON protocol of aws-sdk-go-v2, with visibility timeouts, receive counts, dead-letter queues
// and groups that take turns, because the functions rely on these.
//
// [Secrets] serves Secrets Manager in memory, as far as Reseed calls it.
//
// Package awsfaketest serves S3 and SQS inside a test. The program awsfake/cmd serves them for the
// containers of the SAM tests. None is ever deployed, and all accept any credentials.
package awsfake
