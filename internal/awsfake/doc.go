// Package awsfake stands in for S3 and SQS in tests and in local runs of the functions.
//
// S3 is gofakes3 in memory, every bucket versioned, over plain HTTP; [NewS3] only keeps the SDK's
// checksums away from it, which it does not understand. SQS is [SQS]: the JSON protocol that
// aws-sdk-go-v2 speaks, standard queues in memory, with visibility timeouts, receive counts and
// dead-letter queues, because those are what the functions rely on.
//
// Package awsfaketest serves both inside a test; awsfake/cmd is the same as a program, for the
// containers of the SAM bed. Neither is ever deployed, and both take any credentials.
package awsfake
