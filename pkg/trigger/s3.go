package trigger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strings"

	"reseed/pkg/fault"
)

// Object is an object that was put into the bucket.
type Object struct {
	Key     string // decoded
	Version string // version id, or quoted ETag where the bucket has no versions
	Once    string // identifies the event: every delivery of it has the same
}

// notification is what S3 sends, with only the fields that matter here.
type notification struct {
	Event   string   `json:"Event"` // "s3:TestEvent" when notifications are set up
	Records []record `json:"Records"`
}

type record struct {
	EventSource string `json:"eventSource"`
	EventName   string `json:"eventName"`
	S3          struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key       string `json:"key"`
			VersionID string `json:"versionId"`
			ETag      string `json:"eTag"`
			Sequencer string `json:"sequencer"`
		} `json:"object"`
	} `json:"s3"`
}

// S3 passes each object that was created to ingest. It tries all records. If one fails, the whole
// event fails and is delivered again, so ingest must use Object.Once to recognise objects that it
// has taken.
func S3(ingest func(context.Context, Object) error) func(context.Context, json.RawMessage) error {
	return func(ctx context.Context, event json.RawMessage) error {
		objects, err := DecodeS3(event)
		if err != nil {
			return err
		}
		var failed []error
		for _, o := range objects {
			failed = append(failed, ingest(ctx, o))
		}
		return errors.Join(failed...)
	}
}

// DecodeS3 lists the objects that were created, according to a notification. Test events and events
// about anything else list none. The error is fault.Invalid if the event is not a notification.
func DecodeS3(event []byte) ([]Object, error) {
	var n notification
	if err := json.Unmarshal(event, &n); err != nil {
		// the cause may quote a key (I8)
		return nil, fault.New(fault.Invalid, "bad_event", "this is not a notification of a bucket")
	}
	if n.Event == "" && n.Records == nil {
		return nil, fault.New(fault.Invalid, "bad_event", "this is not a notification of a bucket")
	}
	var objects []Object
	for _, r := range n.Records {
		if !strings.HasPrefix(r.EventName, "ObjectCreated:") {
			continue
		}
		o, err := r.object()
		if err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	return objects, nil
}

func (r record) object() (Object, error) {
	at := r.S3.Object
	key, err := url.QueryUnescape(at.Key) // "red flower.csv" arrives as red+flower.csv
	if err != nil || key == "" || r.S3.Bucket.Name == "" {
		return Object{}, fault.New(fault.Invalid, "bad_event", "a record of this notification names no object")
	}
	o := Object{Key: key, Version: at.VersionID}
	if at.VersionID != "" {
		o.Once = digest("version", r.S3.Bucket.Name, key, at.VersionID)
		return o, nil
	}
	// Without versions, two puts of equal contents differ only in the sequencer.
	o.Once = digest("sequencer", r.S3.Bucket.Name, key, at.ETag, at.Sequencer)
	if at.ETag != "" {
		o.Version = `"` + strings.Trim(at.ETag, `"`) + `"`
	}
	return o, nil
}

// digest returns different digests for different lists of parts: it escapes zero bytes within a
// part, but not the zero bytes that end it.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = io.WriteString(h, strings.ReplaceAll(p, "\x00", "\x00\x01")+"\x00\x00")
	}
	return hex.EncodeToString(h.Sum(nil))
}
