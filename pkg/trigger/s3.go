package trigger

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"strconv"
	"strings"

	"reseed/pkg/fault"
)

// Object is an object that was put into the bucket.
type Object struct {
	Key     string // decoded
	Version string // version id, or quoted ETag where the bucket has no versions
	Once    string // identifies the event: every delivery of it has the same
}

// notification is what S3 sends, or what SNS passes on, with only the fields that matter here.
type notification struct {
	Event   string   `json:"Event"`   // "s3:TestEvent" when notifications are set up
	Message string   `json:"Message"` // of SNS, in a message of SQS
	Records []record `json:"Records"`
}

// record is a record of S3, or one of SQS or SNS that holds a notification.
type record struct {
	EventName string `json:"eventName"`
	Body      string `json:"body"` // of SQS
	SNS       struct {
		Message string `json:"Message"`
	} `json:"Sns"`
	S3 struct {
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

// S3 passes each object that was created to ingest, and logs the names of other events. It tries
// all records. If one fails, the whole event fails and is delivered again, so ingest must use
// Object.Once to recognise objects that it has taken.
func S3(log *slog.Logger, ingest func(context.Context, Object) error) func(context.Context, json.RawMessage) error {
	return func(ctx context.Context, event json.RawMessage) error {
		objects, others, err := DecodeS3(event)
		if err != nil {
			return err
		}
		for _, name := range others {
			log.InfoContext(ctx, "an event of the bucket is ignored: it tells of no new object", "event", strconv.QuoteToASCII(name[:min(len(name), longestName)]))
		}
		var failed []error
		for _, o := range objects {
			failed = append(failed, ingest(ctx, o))
		}
		return errors.Join(failed...)
	}
}

// longestName limits the names of events in log lines, in bytes.
const longestName = 64

// DecodeS3 lists the objects that were created, according to a notification, which may have come
// through SQS, SNS or both; and the names of events that tell of something else. Servers that are
// compatible with S3 write s3: before these names. The error is fault.Invalid if the event is not a
// notification.
func DecodeS3(event []byte) (objects []Object, others []string, err error) {
	var d decoder
	if err := d.decode(event, mostWrapped); err != nil {
		return nil, nil, err
	}
	return d.objects, d.others, nil
}

// mostWrapped is how many events are one in the other: S3 in SNS in SQS.
const mostWrapped = 3

// decoder collects what DecodeS3 finds.
type decoder struct {
	objects []Object
	others  []string
}

// decode decodes a notification that may be wrapped in others, most of them in all.
func (d *decoder) decode(event []byte, most int) error {
	var n notification
	// the cause may quote a key (I8)
	if json.Unmarshal(event, &n) != nil || most == 0 || n.Event == "" && n.Message == "" && n.Records == nil {
		return fault.New(fault.Invalid, "bad_event", "this is not a notification of a bucket")
	}
	switch {
	case n.Message != "":
		return d.decode([]byte(n.Message), most-1)
	case n.Event != "":
		d.others = append(d.others, n.Event)
	}
	for _, r := range n.Records {
		if err := d.add(r, most); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) add(r record, most int) error {
	if inner := cmp.Or(r.Body, r.SNS.Message); inner != "" {
		return d.decode([]byte(inner), most-1)
	}
	if !strings.HasPrefix(strings.TrimPrefix(r.EventName, "s3:"), "ObjectCreated:") {
		d.others = append(d.others, r.EventName)
		return nil
	}
	o, err := r.object()
	d.objects = append(d.objects, o)
	return err
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
