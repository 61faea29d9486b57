// Package cloud connects to AWS: to the table in DynamoDB, the objects in S3 and the queues of SQS.
// Apart from the drivers (pkg/table/dynamo, pkg/objects) it is the only package that uses the AWS
// SDK.
//
// Opening anything makes no call: a cold start pays only for what its first request uses. The SDK
// reads region, credentials and endpoints from the environment. It asks the metadata service of EC2
// for credentials only if the environment has none.
package cloud
