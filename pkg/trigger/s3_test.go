package trigger_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"reseed/pkg/fault"
	"reseed/pkg/trigger"
)

func s3Record(name, key, version string) string {
	return fmt.Sprintf(`{"eventSource":"aws:s3","eventName":%q,"s3":{"bucket":{"name":"files"},
		"object":{"key":%q,"size":3,"eTag":"abc","versionId":%q,"sequencer":"0A"}}}`, name, key, version)
}

func s3Event(records ...string) json.RawMessage {
	return json.RawMessage(`{"Records":[` + strings.Join(records, ",") + `]}`)
}

// inside is an event with another one as a text in it.
func inside(t *testing.T, format string, event json.RawMessage) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(string(event))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, format, text)
}

func TestDecodeS3(t *testing.T) {
	t.Parallel()
	created := s3Event(s3Record("s3:ObjectCreated:Put", "a", "1"))
	bySNS := inside(t, `{"Type":"Notification","Message":%s}`, created)
	tests := map[string]struct {
		event  json.RawMessage
		want   []trigger.Object
		others []string
	}{
		"form-encoded key": {
			s3Event(s3Record("ObjectCreated:Put", "uploads/Acme+%26+S%C3%B6hne/a%2Bb.csv", "v1")),
			[]trigger.Object{{Key: "uploads/Acme & Söhne/a+b.csv", Version: "v1"}},
			nil,
		},
		"several records": {
			s3Event(s3Record("ObjectCreated:Put", "a", "1"), s3Record("ObjectRemoved:Delete", "b", "2"),
				s3Record("ObjectCreated:CompleteMultipartUpload", "c", "3")),
			[]trigger.Object{{Key: "a", Version: "1"}, {Key: "c", Version: "3"}},
			[]string{"ObjectRemoved:Delete"},
		},
		"no versions":        {s3Event(s3Record("ObjectCreated:Copy", "a", "")), []trigger.Object{{Key: "a", Version: `"abc"`}}, nil},
		"as MinIO spells it": {created, []trigger.Object{{Key: "a", Version: "1"}}, nil},
		"through SQS":        {inside(t, `{"Records":[{"eventSource":"aws:sqs","body":%s}]}`, created), []trigger.Object{{Key: "a", Version: "1"}}, nil},
		"two through SQS": {
			inside(t, `{"Records":[{"body":%[1]s},{"body":%[1]s}]}`, created), []trigger.Object{{Key: "a", Version: "1"}, {Key: "a", Version: "1"}}, nil,
		},
		"through SNS":         {inside(t, `{"Records":[{"EventSource":"aws:sns","Sns":{"Message":%s}}]}`, created), []trigger.Object{{Key: "a", Version: "1"}}, nil},
		"through SNS and SQS": {inside(t, `{"Records":[{"eventSource":"aws:sqs","body":%s}]}`, bySNS), []trigger.Object{{Key: "a", Version: "1"}}, nil},
		"test event": {
			json.RawMessage(`{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-01-02T03:04:05.000Z","Bucket":"files"}`), nil, []string{"s3:TestEvent"},
		},
		"no records": {json.RawMessage(`{"Records":[]}`), nil, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, others, err := trigger.DecodeS3(tt.event)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.others, others); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(trigger.Object{}, "Once")); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestWhatIsNoNotificationIsRefused(t *testing.T) {
	t.Parallel()
	for _, event := range []string{
		``, `null`, `[]`, `{}`, `"x"`, `{"Records":1}`, `{"Records":[{"eventName":"ObjectCreated:Put"}]}`,
		string(s3Event(s3Record("ObjectCreated:Put", "100%", "1"))),
		string(s3Event(s3Record("ObjectCreated:Put", "", "1"))),
		`{"Records":[{"body":"no JSON"}]}`, `{"Message":"{\"Message\":\"{\\\"Message\\\":\\\"{}\\\"}\"}"}`,
	} {
		if _, _, err := trigger.DecodeS3([]byte(event)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", event, err)
		}
	}
}

func TestOnceIsTheSameForOneEventOnly(t *testing.T) {
	t.Parallel()
	once := func(event json.RawMessage) string {
		got, _, err := trigger.DecodeS3(event)
		if err != nil || len(got) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		return got[0].Once
	}
	versioned := once(s3Event(s3Record("ObjectCreated:Put", "a", "v1")))
	if again := once(s3Event(s3Record("ObjectCreated:Put", "a", "v1"))); again != versioned {
		t.Error("the second delivery is another event")
	}
	seen := map[string]string{}
	for _, r := range []string{
		s3Record("ObjectCreated:Put", "a", "v1"), s3Record("ObjectCreated:Put", "a", "v2"),
		s3Record("ObjectCreated:Put", "b", "v1"), s3Record("ObjectCreated:Put", "a", ""),
		strings.Replace(s3Record("ObjectCreated:Put", "a", ""), "0A", "0B", 1),
		strings.Replace(s3Record("ObjectCreated:Put", "a", "v1"), `"files"`, `"other"`, 1),
		s3Record("ObjectCreated:Put", "a%00v1", ""), s3Record("ObjectCreated:Put", "a%00", "v1"),
	} {
		o := once(s3Event(r))
		if other, ok := seen[o]; ok {
			t.Errorf("%s and %s are one event", r, other)
		}
		seen[o] = r
	}
}

func TestS3TriesAllRecords(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	var seen []string
	handler := trigger.S3(slog.New(slog.DiscardHandler), func(_ context.Context, o trigger.Object) error {
		seen = append(seen, o.Key)
		if o.Key == "a" {
			return broken
		}
		return nil
	})
	err := handler(t.Context(), s3Event(s3Record("ObjectCreated:Put", "a", "1"), s3Record("ObjectCreated:Put", "b", "1")))
	if !errors.Is(err, broken) || len(seen) != 2 {
		t.Errorf("%v after %q", err, seen)
	}
	if err := handler(t.Context(), s3Event(s3Record("ObjectCreated:Put", "b", "1"))); err != nil {
		t.Error(err)
	}
}

// What is ignored is logged by the name of the event, safely; keys may be personal data.
func TestS3LogsWhatItIgnores(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	handler := trigger.S3(slog.New(slog.NewTextHandler(&log, nil)), func(context.Context, trigger.Object) error { return nil })
	if err := handler(t.Context(), s3Event(s3Record("s3:ObjectRemoved:\u202eDelete"+strings.Repeat("x", 100), "uploads/Ann/ann.csv", "1"))); err != nil {
		t.Fatal(err)
	}
	if got := log.String(); !strings.Contains(got, `s3:ObjectRemoved:\\u202eDelete`) || strings.Contains(got, "ann") || strings.Contains(got, strings.Repeat("x", 100)) {
		t.Error(got)
	}
}

func FuzzDecodeS3(f *testing.F) {
	f.Add([]byte(s3Event(s3Record("ObjectCreated:Put", "uploads/a+b%2F/c.csv", "v1"))))
	f.Add([]byte(s3Event(s3Record("ObjectCreated:Put", "a", ""), s3Record("ObjectRemoved:Delete", "b", "2"))))
	f.Add([]byte(`{"Event":"s3:TestEvent"}`))
	f.Add([]byte(`{"Records":[{"body":"{\"Message\":\"{\\\"Records\\\":[]}\"}"}]}`))
	f.Add([]byte(`{"Records":[{"eventName":"ObjectCreated:","s3":{"bucket":{"name":"x"},"object":{"key":"%zz"}}}]}`))
	f.Fuzz(func(t *testing.T, event []byte) {
		got, _, err := trigger.DecodeS3(event)
		if err != nil && (!fault.Is(err, fault.Invalid) || got != nil) {
			t.Errorf("%v with %v", err, got)
		}
		for _, o := range got {
			if o.Key == "" || len(o.Once) != 64 {
				t.Errorf("%+v", o)
			}
		}
		again, _, _ := trigger.DecodeS3(event)
		if !cmp.Equal(got, again) {
			t.Error("the same event differs")
		}
	})
}
