package trigger

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"reseed/pkg/fault"
)

// Queue passes the messages of a batch to handle, one after the other. Its answer names the
// messages that failed or were not begun because time ran out. These are delivered again; the
// others are done.
func Queue[M comparable](log *slog.Logger, handle func(context.Context, M) error) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
	return func(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
		// null would mean that all failed
		answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		for _, m := range batch.Records {
			if err := deliver(ctx, m.Body, handle); err != nil {
				log.ErrorContext(ctx, "message failed", "message", m.MessageId,
					"kind", fault.KindOf(err).String(), "code", fault.CodeOf(err), "error", err.Error())
				answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
		return answer, nil
	}
}

func deliver[M comparable](ctx context.Context, body string, handle func(context.Context, M) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m, err := message[M](body)
	if err != nil {
		return err // it is delivered again until it goes to the dead-letter queue, where people see it
	}
	return handle(ctx, m)
}

// QueueOrInvoke is [Queue] for events of SQS. Any other JSON object comes from a person or a
// script: it is passed to invoke, and the answer is what invoke returns.
func QueueOrInvoke[M comparable, In, Out any](
	log *slog.Logger, handle func(context.Context, M) error, invoke func(context.Context, In) (Out, error),
) func(context.Context, json.RawMessage) (any, error) {
	queue := Queue(log, handle)
	return func(ctx context.Context, event json.RawMessage) (any, error) {
		if isBatch(event) {
			var batch events.SQSEvent
			if err := json.Unmarshal(event, &batch); err != nil {
				return nil, fault.New(fault.Invalid, "bad_event", "this is not a batch of messages")
			}
			return queue(ctx, batch)
		}
		in, err := decode[In](event)
		if err != nil {
			return nil, err
		}
		return invoke(ctx, in)
	}
}

func isBatch(event []byte) bool {
	var e struct {
		Records json.RawMessage `json:"Records"`
	}
	return json.Unmarshal(event, &e) == nil && e.Records != nil
}

// message decodes a message that a function of this or another version has sent. It ignores fields
// of later versions. A message in which it knows no field at all is an error.
func message[M comparable](body string) (m M, err error) {
	var none M
	if json.Unmarshal([]byte(body), &m) != nil || m == none {
		return m, fault.New(fault.Invalid, "bad_event", "this is not a message that is expected here")
	}
	return m, nil
}

// decode refuses unknown fields: a field that a person misspells must not be taken for one that is
// not given.
func decode[T any](text []byte) (T, error) {
	var v T
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(&v)
	if err != nil || d.More() || !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return v, fault.New(fault.Invalid, "bad_event", "this is not the JSON object that is expected here")
	}
	return v, nil
}
