// Package lambdatest runs the real bootstrap binaries as AWS Lambda does: it serves
// the Lambda Runtime API, starts the binary of a function and hands it
// events. The tests replay events/ and drive an import and erases through all functions, beside a
// DynamoDB-compatible engine and stand-ins for S3 and SQS.
package lambdatest
