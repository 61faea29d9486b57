package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/table"
	"reseed/pkg/table/dynamojson"
)

// Format is the format of an exported change set.
type Format string

// The formats of [Importer.Export]. Both are lines of JSON, compressed with gzip.
const (
	// NDJSON has a [changesHead], one [Change] a line in key order, and a [changesTail].
	NDJSON Format = "ndjson"
	// DynamoDBJSON has the items of added rows and their pointers, one {"Item": …} a line, as
	// DynamoDB's import from S3 reads them.
	DynamoDBJSON Format = "dynamodb-json"
)

type changesHead struct {
	Job        string     `json:"job"`
	Status     job.Status `json:"status"`
	Source     string     `json:"source"`
	SourceName string     `json:"source_name"`
	Mode       string     `json:"mode"`
	Undo       string     `json:"undo,omitempty"`
	MadeAt     string     `json:"made_at"` // RFC 3339; the time that stamps the items
}

// changesTail ends the file; a file without it is not complete.
type changesTail struct {
	Changes  int64                 `json:"changes"`
	Datasets map[string]job.Counts `json:"datasets"`
}

// Export writes the change set of an import that is planned or has ended. The error is
// fault.Conflict before every row is decided, and fault.NotFound if the change set was erased with
// data of its source.
func (im *Importer) Export(ctx context.Context, j *job.Job, format Format, w io.Writer) error {
	buffered := bufio.NewWriterSize(w, 64<<10)
	z, err := gzip.NewWriterLevel(buffered, gzip.BestSpeed)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "compress", "compress a change set")
	}
	x := &exporter{im: im, job: j, w: z}
	switch format {
	case NDJSON:
		err = x.changes(ctx)
	case DynamoDBJSON:
		err = x.items(ctx)
	default:
		err = &fault.Error{Kind: fault.Invalid, Code: "unknown_format", Param: "format", Message: "The format is ndjson or dynamodb-json."}
	}
	if err == nil {
		err = z.Close()
	}
	if err == nil {
		err = buffered.Flush()
	}
	return err
}

// Exportable is nil if Export can write the change set of a job, else the error that says why not.
func (im *Importer) Exportable(ctx context.Context, j *job.Job) error {
	if j.Import == nil {
		return errNoImport()
	}
	if !j.Status.Ended() {
		return fault.New(fault.Conflict, "not_decided", "The import is still running; its changes are available when it is planned or has ended.")
	}
	for _, id := range changeSets(j) {
		_, err := im.c.Objects.Stat(ctx, id.object(j.ID))
		if !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return fault.New(fault.NotFound, "no_changes", "There is no change set: the import ended before it was made, or data of its source was erased since.")
}

type exporter struct {
	im   *Importer
	job  *job.Job
	w    io.Writer
	line []byte
}

// each calls f for the changes that the job makes.
func (x *exporter) each(ctx context.Context, f func(*change) error) error {
	for _, id := range changeSets(x.job) {
		set, err := openChanges(ctx, x.im.c.Objects, id.object(x.job.ID))
		if fault.Is(err, fault.NotFound) && x.job.Status != job.Done { // the job stopped before it decided this one
			continue
		}
		if err != nil {
			return err
		}
		_, err = set.each(ctx, func(c *change) error {
			if withheld(x.job.Import, c) {
				return nil
			}
			return f(c)
		})
		set.close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *exporter) json(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fault.Wrap(err, fault.Internal, "change_set", "write out a change set")
	}
	_, err := x.w.Write(b.Bytes())
	return err
}

func (x *exporter) changes(ctx context.Context) error {
	j := x.job
	err := x.json(changesHead{
		j.ID, j.Status, j.Source, j.SourceName, j.Import.Mode, j.Import.Undo, j.CreatedAt.Format("2006-01-02T15:04:05.000Z07:00"),
	})
	if err != nil {
		return err
	}
	tail := changesTail{Datasets: j.Datasets}
	err = x.each(ctx, func(c *change) error {
		tail.Changes++
		return x.json(changeOf(j, c))
	})
	if err != nil {
		return err
	}
	return x.json(tail)
}

func (x *exporter) items(ctx context.Context) error {
	w, err := x.im.newWork(ctx, x.job)
	if err != nil {
		return err
	}
	var writes []table.Write
	return x.each(ctx, func(c *change) error {
		if c.action() != Added {
			return nil
		}
		writes = appendWrites(writes[:0], w.hasher, w.parts, c)
		for i := range writes {
			x.line = append(dynamojson.AppendItem(append(x.line[:0], `{"Item":`...), writes[i].Item), "}\n"...)
			if _, err := x.w.Write(x.line); err != nil {
				return err
			}
		}
		return nil
	})
}
