package app

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"time"

	"reseed/pkg/exporter"
	"reseed/pkg/fault"
	"reseed/pkg/job"
)

// The tick deletes the files of exports that nobody has deleted for [exporter.KeptFor]: of commands that
// were killed, and of programs that forget to. The jobs stay listed.

// exportsMarkKey is the object that says how far the exports were checked.
const exportsMarkKey = "sweep/exports.json"

// exportsMark is the content of that object.
type exportsMark struct {
	At    time.Time `json:"at"`             // when the tick last looked for old exports
	Since time.Time `json:"since,omitzero"` // no export whose job was made before has a file
}

// sweepExports deletes the files of old exports, if it is time to look for them.
func (a *App) sweepExports(ctx context.Context) error {
	var mark exportsMark
	now := a.Now().UTC()
	if err := a.readMark(ctx, exportsMarkKey, &mark); err != nil || now.Sub(mark.At) < strayEvery {
		return err
	}
	deleted, since := 0, now.Add(-clockSkew)
	for j, err := range a.Ledger.All(ctx, historyPage, "") {
		if err != nil {
			return err
		}
		if j.CreatedAt.Before(mark.Since) {
			break
		}
		switch {
		case !hasFile(j):
		case j.Status == job.Done && now.Sub(j.EndedAt) >= exporter.KeptFor:
			if _, err := a.Exporter.Drop(ctx, j.ID); err != nil {
				return err
			}
			deleted++
		default: // it has a file, or may have one yet
			since = j.CreatedAt
		}
	}
	if deleted > 0 {
		a.Log.InfoContext(ctx, "files of old exports were deleted", "exports", deleted)
	}
	return a.writeMark(ctx, exportsMarkKey, exportsMark{At: now, Since: since})
}

// hasFile tells whether a job is an export that has a file, or has not ended.
func hasFile(j *job.Job) bool {
	return j.Export != nil && (!j.Status.Ended() || j.Status == job.Done && j.Export.Size > 0 && !j.Export.Deleted)
}

// readMark reads an object that says how far the tick has come. If it is missing or cannot be read,
// mark stays as it is.
func (a *App) readMark(ctx context.Context, key string, mark any) error {
	r, err := a.Objects.Open(ctx, key, "", 0, -1)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	text, err := io.ReadAll(r)
	if err == nil {
		_ = json.Unmarshal(text, mark)
	}
	return err
}

func (a *App) writeMark(ctx context.Context, key string, mark any) error {
	text, err := json.Marshal(mark)
	if err != nil {
		return err
	}
	return a.Objects.Put(ctx, key, strings.NewReader(string(text)))
}
