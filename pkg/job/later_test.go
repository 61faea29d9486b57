package job_test

import (
	"encoding/json"
	"testing"
	"time"

	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// body is a stored item of the ledger as a JSON object.
func body(t *testing.T, st *store.Store, k table.Key) map[string]json.RawMessage {
	t.Helper()
	items, err := st.Get(t.Context(), k)
	must(t, err)
	var object map[string]json.RawMessage
	must(t, json.Unmarshal([]byte(items[0].Attrs.Str("body")), &object))
	return object
}

// tomorrow adds fields to a stored item, as a later version may write it: to the objects at some
// paths, where "" is the item itself.
func tomorrow(t *testing.T, st *store.Store, k table.Key, paths ...string) {
	t.Helper()
	items, err := st.Get(t.Context(), k)
	must(t, err)
	var whole map[string]any
	must(t, json.Unmarshal([]byte(items[0].Attrs.Str("body")), &whole))
	for _, path := range paths {
		object := whole
		if path != "" {
			object, _ = whole[path].(map[string]any)
		}
		object["tomorrow"] = json.RawMessage(extra)
	}
	text, err := json.Marshal(whole)
	must(t, err)
	b := table.NewBuilder().Str("body", string(text))
	for name, v := range items[0].Attrs.All() {
		if name != "body" {
			b.Raw(name, v)
		}
	}
	must(t, st.Write(t.Context(), []table.Write{{Item: table.Item{Key: k, Attrs: b.Attrs()}}}))
}

const extra = `{"of":["tomorrow",1.50,null],"html":"\u003cb\u003e"}`

// within returns the added field of an object that is a field of another one.
func within(t *testing.T, object map[string]json.RawMessage, path string) string {
	t.Helper()
	var inner map[string]json.RawMessage
	must(t, json.Unmarshal(object[path], &inner))
	return string(inner["tomorrow"])
}

// A job that a later version wrote keeps the fields that this version does not know, whatever this
// version does with it.
func TestAJobOfTomorrow(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	st := newStore(mem.Options{})
	l := job.NewLedger(st, time.Now)
	spec := func() *job.ImportSpec { return &job.ImportSpec{Scanned: true, Files: []job.File{{Name: "a.csv"}}} }
	j := create(t, l, &job.Job{Kind: job.Import, Tag: 1, Import: spec()})
	next := create(t, l, &job.Job{Kind: job.Import, Tag: 1, Import: spec()})
	erase := create(t, l, &job.Job{Kind: job.Erase, Tag: 2, Status: job.Grace, Erase: &job.EraseSpec{Selection: "source", Was: store.Source{Name: "Acme"}}})
	bystander := create(t, l, &job.Job{Kind: job.Import, Tag: 3, Import: spec()})
	before := body(t, st, store.JobKey(bystander.ID))
	for _, j := range []*job.Job{j, next} {
		tomorrow(t, st, store.JobKey(j.ID), "", "import")
	}
	tomorrow(t, st, store.JobKey(erase.ID), "", "erase")

	change := func(status job.Status) func(*job.Job) error {
		return func(j *job.Job) error {
			if j.Rejects, j.Import.Removes = 7, true; status != "" {
				j.Status = status
			}
			return nil
		}
	}
	for _, step := range []func() error{
		func() error { _, err := l.Update(ctx, j.ID, change("")); return err },
		func() error { _, _, err := l.End(ctx, j.ID, change(job.Planned)); return err }, // this starts the next job
		func() error {
			_, err := l.Resume(ctx, j.ID, func(j *job.Job) ([]table.Write, error) { j.Import.Applying = true; return nil, nil })
			return err
		},
		func() error { _, err := l.Due(ctx, erase.ID); return err },
	} {
		must(t, step())
		for _, x := range []struct {
			job  *job.Job
			spec string
		}{{j, "import"}, {next, "import"}, {erase, "erase"}} {
			object := body(t, st, store.JobKey(x.job.ID))
			same(t, "a later field of the job", extra, string(object["tomorrow"]))
			same(t, "a later field of its "+x.spec, extra, within(t, object, x.spec))
		}
	}
	now, err := l.Get(ctx, j.ID)
	must(t, err)
	same(t, "what this version has changed", []any{job.Waiting, int64(7), true}, []any{now.Status, now.Rejects, now.Import.Removes})
	started, err := l.Get(ctx, next.ID)
	must(t, err)
	same(t, "the next job", job.Running, started.Status)
	same(t, "a job of today", before, body(t, st, store.JobKey(bystander.ID)))
}

// A task keeps them too when it is claimed, saved and completed.
func TestATaskOfTomorrow(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	st := newStore(mem.Options{})
	l := job.NewLedger(st, time.Now)
	must(t, l.CreateTasks(ctx, "j", tasks(2)))
	key := store.TaskKey("j", "1 map/000")
	bystander := body(t, st, store.TaskKey("j", "1 map/001"))
	tomorrow(t, st, key, "")
	task, err := l.Claim(ctx, job.Task{Job: "j", ID: "1 map/000"}, l.NewHolder())
	must(t, err)
	task, err = l.Save(ctx, task, json.RawMessage(`{"rows":1,"tomorrow":2}`))
	must(t, err)
	must(t, l.Complete(ctx, task, task.Result))
	object := body(t, st, key)
	same(t, "its later field", extra, string(object["tomorrow"]))
	same(t, "its state and result", []string{`"done"`, `{"rows":1,"tomorrow":2}`}, []string{string(object["state"]), string(object["result"])})
	same(t, "a task of today", bystander, body(t, st, store.TaskKey("j", "1 map/001")))
}
