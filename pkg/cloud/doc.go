// Package cloud connects to AWS: the table in DynamoDB, the objects in S3, the
// queues of SQS. Beside the drivers (pkg/store/dynamo, pkg/objects) it is the only package that
// knows the AWS SDK.
//
// Opening anything makes no call: a cold start pays for what its first request
// uses. Region, credentials and endpoints come from the environment the way the
// SDK reads it; the metadata service of EC2 is asked for credentials only
// where the environment has none.
package cloud
