package trigger

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"reseed/pkg/fault"
)

// Queue hands each message to handle, one after the other. Messages that failed, or
// were not begun because time ran out, are named in the answer and come again; the
// others of the batch are done.
func Queue[M comparable](log *slog.Logger, handle func(context.Context, M) error) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
	return func(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
		answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}} // null would mean: all failed
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
		return err // again and again, until the dead-letter queue has it for people to see
	}
	return handle(ctx, m)
}

// QueueOrInvoke is [Queue] for events of SQS; any other JSON object is the input of a
// person or a script, and is answered with what invoke returns.
func QueueOrInvoke[M comparable, In, Out any](
	log *slog.Logger, handle func(context.Context, M) error, invoke func(context.Context, In) (Out, error),
) func(context.Context, json.RawMessage) (any, error) {
	queue := Queue(log, handle)
	return func(ctx context.Context, event json.RawMessage) (any, error) {
		if isBatch(event) {
			var batch events.SQSEvent
			if err := json.Unmarshal(event, &batch); err != nil {
				return nil, fault.New(fault.Invalid, "bad_event", "this is no batch of messages")
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

// message reads what a function of this version or another one has sent. Fields that this version does not know are those of a
// later one, and ignored; a message of which it knows nothing is none.
func message[M comparable](body string) (m M, err error) {
	var none M
	if json.Unmarshal([]byte(body), &m) != nil || m == none {
		return m, fault.New(fault.Invalid, "bad_event", "this is no message that is expected here")
	}
	return m, nil
}

// decode is strict: a person's misspelt field must not be taken for one that is not given.
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
