// Package lambdatest runs the deployed binaries as AWS Lambda does: it starts the binary of a
// function, and serves it the Lambda Runtime API with events. The tests replay events/ and drive
// imports and erases through all functions, over dynoxide and stand-ins for S3 and SQS.
package lambdatest
