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

// connections is how many idle connections are kept to one service. It must not be
// below the number of workers that call it at once, or each call pays for a
// TLS handshake.
const connections = 128

// writeBuffer holds a request of 25 items with its headers, so that it goes out
// in one write. In bytes, for each connection.
const writeBuffer = 32 << 10

// batchSize is how many messages SQS takes at once.
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

// Store is the table of that name.
func (c *Cloud) Store(table string) *store.Store {
	r := resource{"table", table, "RESEED_TABLE", "DYNAMODB"}
	return store.New(dynamo.New(dynamodb.NewFromConfig(c.aws, func(o *dynamodb.Options) { o.APIOptions = append(o.APIOptions, r.explain) }), table))
}

// Objects is the bucket of that name.
func (c *Cloud) Objects(bucket string) *objects.Objects {
	r := resource{"bucket", bucket, "RESEED_BUCKET", "S3"}
	return objects.S3(s3.NewFromConfig(c.aws, func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, r.explain)
		o.DisableLogOutputChecksumValidationSkipped = true // it would print a line for each object that came without a checksum
	}), bucket)
}

// Sender returns a function that sends each value as one message, as JSON. When it
// returns nil all are in the queue; on an error some may be: receivers bear
// the same message twice. The queue hands out messages of different groups in fair turns (fair queues of SQS), so that
// one group with many messages does not make the others wait; a message of group "" is of none.
func Sender[M any](c *Cloud, queueURL string, group func(M) string) func(context.Context, ...M) error {
	r := resource{"queue", path.Base(queueURL), "RESEED_QUEUE_URL and RESEED_ERASE_QUEUE_URL", "SQS"}
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
