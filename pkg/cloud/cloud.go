package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"reseed/pkg/fault"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table/dynamo"
)

// connections is how many idle connections to one service are kept. If more workers than this call
// it at once, calls pay for a TLS handshake.
const connections = 128

// writeBuffer is the buffer of each connection, in bytes: a request of 25 items with its headers
// fits into it and goes out in one write.
const writeBuffer = 32 << 10

// batchSize is how many messages SQS takes in one call.
const batchSize = 10

// Cloud makes clients that share one configuration and its connections.
type Cloud struct{ aws aws.Config }

// Open reads the SDK's configuration. It makes no call.
func Open(ctx context.Context) (*Cloud, error) {
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 2*connections, connections
		t.WriteBufferSize = writeBuffer
	})
	c, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithHTTPClient(client))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "aws_config", "read the configuration of the AWS SDK")
	}
	if c.Region == "" {
		return nil, fault.New(fault.Invalid, "aws_region", "no AWS region is set: set AWS_REGION to that of the table")
	}
	return &Cloud{c}, nil
}

// Store returns the store in the table with that name.
func (c *Cloud) Store(table string) *store.Store {
	return store.New(dynamo.New(c.dynamodb(table), table))
}

// MakeTable makes the table with that name (see [dynamo.MakeTable]).
func (c *Cloud) MakeTable(ctx context.Context, table string, backupDays int) (dynamo.Made, error) {
	return dynamo.MakeTable(ctx, c.dynamodb(table), table, backupDays)
}

func (c *Cloud) dynamodb(table string) *dynamodb.Client {
	r := resource{"table", table, "RESEED_TABLE", "DYNAMODB"}
	return dynamodb.NewFromConfig(c.aws, func(o *dynamodb.Options) { o.APIOptions = append(o.APIOptions, r.explain) })
}

// Objects returns the objects in the bucket with that name.
func (c *Cloud) Objects(bucket string) *objects.Objects {
	r := resource{"bucket", bucket, "RESEED_BUCKET", "S3"}
	return objects.S3(s3.NewFromConfig(c.aws, func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, r.explain)
		o.DisableLogOutputChecksumValidationSkipped = true // else it logs a line for each object without a checksum
	}), bucket)
}

// Sender returns a function that sends each value as one message, as JSON. If it returns nil all
// are in the queue. After an error some may be: receivers must accept the same message twice.
//
// group returns a message's group, "" for no group. SQS delivers messages of different groups in
// turns (fair queues), so that a group with many messages does not make the others wait.
func Sender[M any](c *Cloud, queueURL string, group func(M) string) func(context.Context, ...M) error {
	r := resource{"queue", path.Base(queueURL), "RESEED_QUEUE_URL, RESEED_ERASE_QUEUE_URL and RESEED_PULL_QUEUE_URL", "SQS"}
	client := sqs.NewFromConfig(c.aws, func(o *sqs.Options) { o.APIOptions = append(o.APIOptions, r.explain) })
	return func(ctx context.Context, messages ...M) error {
		for len(messages) > 0 {
			n := min(len(messages), batchSize)
			if err := send(ctx, client, queueURL, group, messages[:n]); err != nil {
				return err
			}
			messages = messages[n:]
		}
		return nil
	}
}

func send[M any](ctx context.Context, client *sqs.Client, queueURL string, group func(M) string, messages []M) error {
	in := &sqs.SendMessageBatchInput{QueueUrl: aws.String(queueURL)}
	for i, m := range messages {
		body, err := json.Marshal(m)
		if err != nil {
			return fault.Wrap(err, fault.Internal, "message", "encode a message")
		}
		entry := types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(body))}
		if g := group(m); g != "" {
			entry.MessageGroupId = aws.String(g)
		}
		in.Entries = append(in.Entries, entry)
	}
	out, err := client.SendMessageBatch(ctx, in)
	if known, ok := errors.AsType[*fault.Error](err); ok {
		return known
	}
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "queue", "send messages")
	}
	if len(out.Failed) > 0 {
		return fault.Newf(fault.Unavailable, "queue", "the queue did not take %d of %d messages: %s",
			len(out.Failed), len(messages), aws.ToString(out.Failed[0].Code))
	}
	return nil
}
