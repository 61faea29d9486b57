package samtest

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// TakeMessages receives up to ten visible messages of a queue, deletes them there, and returns them
// as the event with which SQS would invoke a function; nil if there is no message.
func (b *Bed) TakeMessages(tb testing.TB, queue string) []byte {
	tb.Helper()
	url := b.QueueURL(queue)
	got, err := b.SQS.ReceiveMessage(tb.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
	if err != nil {
		tb.Fatal(err)
	}
	if len(got.Messages) == 0 {
		return nil
	}
	var event events.SQSEvent
	for _, m := range got.Messages {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: *m.MessageId, ReceiptHandle: *m.ReceiptHandle, Body: *m.Body, Md5OfBody: *m.MD5OfBody,
			Attributes: m.Attributes, EventSource: "aws:sqs", AWSRegion: "eu-central-1",
			EventSourceARN: "arn:aws:sqs:eu-central-1:000000000000:" + queue,
		})
		if _, err := b.SQS.DeleteMessage(tb.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			tb.Fatal(err)
		}
	}
	body, err := json.Marshal(event)
	if err != nil {
		tb.Fatal(err)
	}
	return body
}
