package awsfake_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"reseed/internal/awsfake"
	"reseed/internal/awsfake/awsfaketest"
)

func awsConfig(endpoint string) aws.Config {
	return aws.Config{
		Region: "eu-central-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
}

// clock is a time that only moves when told to.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(c.offset.Load()))
}

func startSQS(t *testing.T, queues ...string) (*sqs.Client, *clock, string) {
	t.Helper()
	c := &clock{}
	server := httptest.NewServer(awsfake.NewSQS(c.now, queues...))
	t.Cleanup(server.Close)
	return sqs.NewFromConfig(awsConfig(server.URL)), c, server.URL
}

func TestS3KeepsVersionsAndServesRangesToADefaultClient(t *testing.T) {
	t.Parallel()
	url, _ := awsfaketest.Start(t, awsfaketest.Resources{Buckets: []string{"files"}})
	client := s3.NewFromConfig(awsConfig(url)) // default checksum settings, path or host style chosen by the SDK
	ctx := t.Context()
	for _, body := range []string{"first body", "second body"} {
		_, err := client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String("files"), Key: aws.String("uploads/a b+c.csv"), Body: strings.NewReader(body),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := objectText(t, client, nil, nil); got != "second body" {
		t.Errorf("body = %q", got)
	}
	if got := objectText(t, client, aws.String("bytes=7-10"), nil); got != "body" {
		t.Errorf("range = %q", got)
	}
	versions, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: aws.String("files")})
	if err != nil {
		t.Fatal(err)
	}
	if len(versions.Versions) != 2 {
		t.Fatalf("%d versions, want 2", len(versions.Versions))
	}
	for _, version := range versions.Versions { // in any order: S3 gives the newest first, gofakes3 the oldest
		want := map[bool]string{true: "second body", false: "first body"}[*version.IsLatest]
		if got := objectText(t, client, nil, version.VersionId); got != want {
			t.Errorf("version with latest = %v is %q", *version.IsLatest, got)
		}
	}
}

func objectText(t *testing.T, client *s3.Client, span, version *string) string {
	t.Helper()
	out, err := client.GetObject(t.Context(), &s3.GetObjectInput{
		Bucket: aws.String("files"), Key: aws.String("uploads/a b+c.csv"), Range: span, VersionId: version,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	var text bytes.Buffer
	if _, err := io.Copy(&text, out.Body); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func receive(t *testing.T, client *sqs.Client, url string) []sqstypes.Message {
	t.Helper()
	out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
	if err != nil {
		t.Fatal(err)
	}
	return out.Messages
}

func send(t *testing.T, client *sqs.Client, url, body string) {
	t.Helper()
	if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
		t.Fatal(err)
	}
}

func TestMessageIsHiddenThenComesBackUntilDeleted(t *testing.T) {
	t.Parallel()
	client, now, base := startSQS(t, "work", "workshop")
	url := awsfake.QueueURL(base, "work")
	send(t, client, url, "hello")
	send(t, client, awsfake.QueueURL(base, "workshop"), "bystander")

	first := receive(t, client, url)
	if len(first) != 1 || *first[0].Body != "hello" {
		t.Fatalf("received %v", first)
	}
	if again := receive(t, client, url); len(again) != 0 {
		t.Fatalf("a hidden message was received: %v", again)
	}
	now.offset.Add(int64(30 * time.Second))
	second := receive(t, client, url)
	if len(second) != 1 || second[0].Attributes["ApproximateReceiveCount"] != "2" {
		t.Fatalf("after the visibility timeout: %v", second)
	}
	del := func(handle *string) {
		if _, err := client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: handle}); err != nil {
			t.Fatal(err)
		}
	}
	del(first[0].ReceiptHandle) // stale: does nothing
	if got := counts(t, client, url); !cmp.Equal(got, [2]string{"0", "1"}) {
		t.Errorf("visible, hidden = %v", got)
	}
	del(second[0].ReceiptHandle)
	if got := counts(t, client, url); !cmp.Equal(got, [2]string{"0", "0"}) {
		t.Errorf("visible, hidden after delete = %v", got)
	}
	if got := counts(t, client, awsfake.QueueURL(base, "workshop")); !cmp.Equal(got, [2]string{"1", "0"}) {
		t.Errorf("the neighbour has %v", got)
	}
}

func counts(t *testing.T, client *sqs.Client, url string) [2]string {
	t.Helper()
	out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	return [2]string{
		out.Attributes["ApproximateNumberOfMessages"],
		out.Attributes["ApproximateNumberOfMessagesNotVisible"],
	}
}

func TestMessageReceivedTooOftenGoesToTheDeadLetterQueue(t *testing.T) {
	t.Parallel()
	client, now, base := startSQS(t, "dead")
	made, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("work"),
		Attributes: map[string]string{
			"VisibilityTimeout": "5",
			"RedrivePolicy":     `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}`,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	send(t, client, *made.QueueUrl, "poison")
	for n := range 2 {
		if got := receive(t, client, *made.QueueUrl); len(got) != 1 {
			t.Fatalf("receive %d: %v", n, got)
		}
		now.offset.Add(int64(5 * time.Second))
	}
	if got := receive(t, client, *made.QueueUrl); len(got) != 0 {
		t.Fatalf("received a third time: %v", got)
	}
	if got := receive(t, client, awsfake.QueueURL(base, "dead")); len(got) != 1 || *got[0].Body != "poison" {
		t.Errorf("dead-letter queue has %v", got)
	}
}

func TestBatchKeepsOrderAndReportsWhatFailed(t *testing.T) {
	t.Parallel()
	client, _, base := startSQS(t, "work")
	url := awsfake.QueueURL(base, "work")
	entries := make([]sqstypes.SendMessageBatchRequestEntry, 10)
	for n := range entries {
		id := strconv.Itoa(n)
		entries[n] = sqstypes.SendMessageBatchRequestEntry{Id: &id, MessageBody: aws.String("body " + id)}
	}
	entries[4].MessageBody = aws.String("")
	out, err := client.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Successful) != 9 || len(out.Failed) != 1 || *out.Failed[0].Id != "4" {
		t.Fatalf("sent %d, failed %v", len(out.Successful), out.Failed)
	}
	var bodies []string
	for _, m := range receive(t, client, url) {
		bodies = append(bodies, *m.Body)
	}
	want := []string{"body 0", "body 1", "body 2", "body 3", "body 5", "body 6", "body 7", "body 8", "body 9"}
	if diff := cmp.Diff(want, bodies); diff != "" {
		t.Error(diff)
	}
}

// A group with many messages, also in flight, does not make another group wait, nor messages
// without a group.
func TestGroupsTakeTurns(t *testing.T) {
	t.Parallel()
	client, _, base := startSQS(t, "work")
	url := awsfake.QueueURL(base, "work")
	for n := range 30 {
		in := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(strconv.Itoa(n)), MessageGroupId: aws.String("many")}
		switch n {
		case 28:
			in.MessageGroupId = aws.String("few")
		case 29:
			in.MessageGroupId = nil
		}
		if _, err := client.SendMessage(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 4})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, m := range out.Messages {
		got[*m.Body+" "+m.Attributes["MessageGroupId"]] = true
	}
	if want := map[string]bool{"0 many": true, "28 few": true, "29 ": true, "1 many": true}; !cmp.Equal(got, want) {
		t.Errorf("received %v", got)
	}
	_, err = client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x"), MessageGroupId: aws.String("two words")})
	if err == nil {
		t.Error("a group that SQS would refuse was taken")
	}
}

func TestLongPollWaitsForAMessage(t *testing.T) {
	t.Parallel()
	client, _, base := startSQS(t, "work")
	url := awsfake.QueueURL(base, "work")
	got := make(chan []sqstypes.Message, 1)
	go func() {
		out, err := client.ReceiveMessage(context.WithoutCancel(t.Context()), &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 20})
		if err != nil {
			out = &sqs.ReceiveMessageOutput{}
		}
		got <- out.Messages
	}()
	send(t, client, url, "late")
	if messages := <-got; len(messages) != 1 || *messages[0].Body != "late" {
		t.Errorf("received %v", messages)
	}
}

func TestErrorsHaveTheCodesOfSQS(t *testing.T) {
	t.Parallel()
	client, _, base := startSQS(t, "work")
	here, missing := awsfake.QueueURL(base, "work"), awsfake.QueueURL(base, "nowhere")
	twice := sqstypes.SendMessageBatchRequestEntry{Id: aws.String("same"), MessageBody: aws.String("x")}
	calls := map[string]func() error{
		"AWS.SimpleQueueService.NonExistentQueue|QueueDoesNotExist": func() error {
			_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &missing, MessageBody: aws.String("x")})
			return err
		},
		"BatchEntryIdsNotDistinct": func() error {
			_, err := client.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{
				QueueUrl: &here, Entries: []sqstypes.SendMessageBatchRequestEntry{twice, twice},
			})
			return err
		},
		"InvalidParameterValue": func() error {
			_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &here, MessageBody: aws.String("")})
			return err
		},
		"InvalidAction": func() error {
			_, err := client.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &here})
			return err
		},
	}
	for codes, call := range calls {
		t.Run(codes, func(t *testing.T) {
			t.Parallel()
			var api smithy.APIError
			if err := call(); !errors.As(err, &api) {
				t.Fatalf("no API error: %v", err)
			}
			if !strings.Contains(codes, api.ErrorCode()) {
				t.Errorf("code %s, want %s", api.ErrorCode(), codes)
			}
		})
	}
}
