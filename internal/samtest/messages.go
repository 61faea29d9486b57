package samtest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Event is a file of events/, named <function>.<case>.json after the function's folder.
type Event struct {
	Name     string // file name
	Function string // logical id
	Body     []byte
}

// Events reads every file of events/ in dir.
func Events(tb testing.TB, dir string) []Event {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "events", "*.json"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("no events in %s: %v", dir, err)
	}
	out := make([]Event, len(files))
	for n, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		folder, _, _ := strings.Cut(filepath.Base(file), ".")
		out[n] = Event{Name: filepath.Base(file), Function: LogicalID(folder), Body: body}
	}
	return out
}

// LogicalID is the name in template.yaml of the function in a folder: IngestCsv for ingest-csv.
func LogicalID(folder string) string {
	var id strings.Builder
	for word := range strings.SplitSeq(folder, "-") {
		id.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return id.String()
}

// TakeMessages receives what is visible in a queue (at most ten messages), deletes it there, and gives it as
// the event by which SQS would start a function; nil when the queue is empty.
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
