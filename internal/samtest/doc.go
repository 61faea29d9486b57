// Package samtest drives the functions as SAM CLI runs them: in containers, beside stand-ins for
// DynamoDB, S3 and SQS.
//
// [Start] is hack/sam/bed up and build; [Bed.Invoke] and [Bed.API] are what a user does by hand with
// `sam local invoke` and `sam local start-api`. The clients look at the table, bucket and queues from
// outside. The tests are behind the build tag sam, because they need a Docker engine: run them by
// `make sam-test`.
package samtest
