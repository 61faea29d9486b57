// Package samtest runs the functions in containers with SAM CLI, over stand-ins for DynamoDB, S3
// and SQS.
//
// [Start] calls `hack/sam/bed up` and `hack/sam/bed build`. [Bed.Invoke] and [Bed.API] do what a
// person does by hand with `sam local invoke` and `sam local start-api`. The clients of a [Bed]
// look into the table, the bucket and the queues. The tests have the build tag sam, since they need
// a Docker engine: `make sam-test` runs them.
package samtest
