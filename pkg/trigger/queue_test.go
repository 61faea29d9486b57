package trigger_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"reseed/pkg/fault"
	"reseed/pkg/trigger"
)

type work struct {
	Job string `json:"job"`
}

type wish struct {
	Source string `json:"source"`
	DryRun bool   `json:"dry_run"`
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func batch(bodies ...string) events.SQSEvent {
	var b events.SQSEvent
	for i, body := range bodies {
		b.Records = append(b.Records, events.SQSMessage{MessageId: string(rune('a' + i)), Body: body})
	}
	return b
}

func failures(t *testing.T, answer any) []string {
	t.Helper()
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Failures []struct {
			ItemIdentifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Failures == nil {
		t.Errorf("the answer %s would fail the whole batch", text)
	}
	ids := []string{}
	for _, f := range got.Failures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

func TestQueueNamesOnlyWhatFailed(t *testing.T) {
	t.Parallel()
	var seen []string
	handler := trigger.Queue(quiet(), func(_ context.Context, w work) error {
		seen = append(seen, w.Job)
		if w.Job == "2" {
			return errors.New("broken")
		}
		return nil
	})
	answer, err := handler(t.Context(), batch(`{"job":"1"}`, `{"job":"2"}`, `no JSON`, `{"jbo":"3"}`, `null`, `{"job":"4","task":{"of":["a","later"],"version":1}}`, `[]`, `{"job":5}`, `{"job":"6"} {}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b", "c", "d", "e", "g", "h", "i"}, failures(t, answer)); diff != "" {
		t.Errorf("failures: -want +got\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1", "2", "4"}, seen); diff != "" {
		t.Errorf("handled: -want +got\n%s", diff)
	}
}

func TestQueueWithoutFailures(t *testing.T) {
	t.Parallel()
	answer, err := trigger.Queue(quiet(), func(context.Context, work) error { return nil })(t.Context(), batch(`{"job":"1"}`))
	if err != nil || len(failures(t, answer)) != 0 {
		t.Errorf("%v, %v", answer, err)
	}
}

func TestQueueGivesBackMessagesThatItHadNoTimeFor(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	answer, err := trigger.Queue(quiet(), func(context.Context, work) error {
		cancel()
		return nil
	})(ctx, batch(`{"job":"1"}`, `{"job":"2"}`))
	if diff := cmp.Diff([]string{"b"}, failures(t, answer)); diff != "" || err != nil {
		t.Errorf("%v: -want +got\n%s", err, diff)
	}
}

func TestQueueOrInvoke(t *testing.T) {
	t.Parallel()
	handler := trigger.QueueOrInvoke(quiet(),
		func(context.Context, work) error { return errors.New("broken") },
		func(_ context.Context, w wish) (wish, error) { return w, nil })
	got, err := handler(t.Context(), json.RawMessage(`{"source":"Acme","dry_run":true}`))
	if diff := cmp.Diff(any(wish{"Acme", true}), got); diff != "" || err != nil {
		t.Errorf("invoke: %v\n%s", err, diff)
	}
	got, err = handler(t.Context(), json.RawMessage(`{"Records":[{"messageId":"m","body":"{\"job\":\"1\"}"}]}`))
	if diff := cmp.Diff([]string{"m"}, failures(t, got)); diff != "" || err != nil {
		t.Errorf("queue: %v\n%s", err, diff)
	}
	for _, event := range []string{``, `null`, `[]`, `"Acme"`, `{"sorce":"Acme"}`, `{"source":"Acme","dry-run":true}`, `{"key1":"value1"}`, `{} {}`, `{"Records":3}`} {
		if got, err := handler(t.Context(), json.RawMessage(event)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, %v", event, got, err)
		}
	}
}
