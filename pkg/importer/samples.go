package importer

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/blocks"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Action is what a change does.
type Action string

// The actions of a change.
const (
	Added   Action = "added"
	Changed Action = "changed"
	Removed Action = "removed"
)

// besideOthers is an action of samples only: the row is in the change set as [Added], see doubling.
const besideOthers Action = "added beside others"

func (c *change) action() Action {
	switch {
	case c.kept():
		return Kept
	case len(c.before) == 0:
		return Added
	case len(c.after) == 0:
		return Removed
	}
	return Changed
}

// Change is one row of a change set, as people and programs see it: the attributes before and after
// by name (docs/TABLE.md). An added row has none before, a removed row none after. Amounts are in
// minor units, times in milliseconds of Unix time. Names that begin with "_" describe the item, not
// the record.
type Change struct {
	Dataset billing.Dataset `json:"dataset"`
	Action  Action          `json:"action"`
	Key     string          `json:"key"`              // sort key in the table
	Record  string          `json:"record,omitempty"` // of an edit: public id of the record
	File    string          `json:"file,omitempty"`   // input file; empty for a removed row
	Line    int64           `json:"line,omitempty"`
	Place   string          `json:"place,omitempty"` // in a spreadsheet, see [PlaceOf]
	// of line items and transactions in a [ChangePage]: that of their invoice, as far as it is known
	Currency string         `json:"currency,omitempty"`
	Before   map[string]any `json:"before,omitempty"`
	After    map[string]any `json:"after,omitempty"`
}

func changeOf(j *job.Job, c *change) Change {
	out := Change{Dataset: c.dataset(), Action: c.action(), Key: c.sk, Line: c.line, Before: plain(c.before), After: plain(c.after)}
	if c.line > 0 && c.file < len(j.Import.Files) {
		f := j.Import.Files[c.file]
		if out.File = f.Name; f.Tab != "" {
			out.Place = PlaceOf(f, c.line, out.column())
		}
	}
	if record, _, is := store.SplitEdit(c.sk); is {
		out.Record = store.PublicID(j.Tag, record)
		nameCustomers(out.Before)
		nameCustomers(out.After)
	}
	return out
}

// column is the column of the only field that a change changes; empty if it changes several, or if the
// field has no column.
func (c Change) column() string {
	changed := map[string]bool{}
	for _, attrs := range []map[string]any{c.Before, c.After} {
		for name := range attrs {
			if !strings.HasPrefix(name, "_") && !reflect.DeepEqual(c.Before[name], c.After[name]) {
				changed[name] = true
			}
		}
	}
	if c.Action != Changed || len(changed) != 1 {
		return ""
	}
	return billing.ColumnOf(c.Dataset, slices.Collect(maps.Keys(changed))[0])
}

// plain returns attributes as values for JSON.
func plain(a table.Attrs) map[string]any {
	if len(a) == 0 {
		return nil
	}
	m := map[string]any{}
	for name, v := range a.All() {
		switch v.Type {
		case table.Int:
			m[name] = v.Int()
		case table.Bool:
			m[name] = v.Bool()
		case table.List:
			m[name] = v.List()
		case table.Bytes:
			m[name] = v.Raw
		case table.String:
			m[name] = v.Str()
		}
	}
	return m
}

// samplesOfEach is how many changes of each dataset and action are kept as samples.
const samplesOfEach = 3

type sampleKind struct {
	dataset billing.Dataset
	action  Action
}

// sample is a change and its place in the input, from which a reader finds the first ones of all
// sets.
type sample struct {
	File   int    `json:"file"`
	Line   int64  `json:"line"`
	SK     string `json:"sk,omitempty"` // of a row that is removed; not in samples of versions before 2026-12-01
	Change Change `json:"change"`
}

func (s sample) compare(o sample) int {
	return cmp.Or(cmp.Compare(s.File, o.File), cmp.Compare(s.Line, o.Line))
}

// sampler keeps the first changes of each kind, in the order of the input.
type sampler struct{ kept map[sampleKind][]sample }

func (s *sampler) see(w *work, c *change) {
	kind := sampleKind{c.dataset(), c.action()}
	one := sample{File: c.file, Line: c.line}
	list := s.kept[kind]
	if n := len(list); n == samplesOfEach && one.compare(list[n-1]) >= 0 {
		return
	}
	if one.Change = changeOf(w.job, c); removals(c) {
		one.SK = c.sk
	}
	s.add(kind, one)
}

func (s *sampler) add(kind sampleKind, one sample) {
	if s.kept == nil {
		s.kept = map[sampleKind][]sample{}
	}
	list := append(s.kept[kind], one)
	slices.SortStableFunc(list, sample.compare)
	s.kept[kind] = list[:min(len(list), samplesOfEach)]
}

func samplesDir(jobID string) string { return jobDir(jobID) + "samples/" }

// store stores the samples of one change set. They are deleted with the change set.
func (s *sampler) store(ctx context.Context, w *work, id setID) error {
	if len(s.kept) == 0 {
		return nil
	}
	var all []sample
	for _, list := range s.kept {
		all = append(all, list...)
	}
	body, err := json.Marshal(all)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "samples", "store samples of changes")
	}
	return w.objects.Put(ctx, samplesDir(w.job.ID)+id.name(), bytes.NewReader(body))
}

// Samples returns the first changes of each dataset and action that an import makes or would make,
// in the order of datasets, actions and the input.
func (im *Importer) Samples(ctx context.Context, j *job.Job) ([]Change, error) {
	s, err := im.samples(ctx, j)
	if err != nil {
		return nil, err
	}
	var out []Change
	for _, ds := range billing.Datasets() {
		for _, action := range []Action{Added, Changed, Removed, Kept} {
			for _, one := range s.kept[sampleKind{ds, action}] {
				if action != Removed || !withholds(j.Import, string(ds), one.SK) {
					out = append(out, one.Change)
				}
			}
		}
	}
	return out, nil
}

// samples reads the samples of all change sets of a job.
func (im *Importer) samples(ctx context.Context, j *job.Job) (s sampler, err error) {
	names, err := im.c.Objects.Names(ctx, samplesDir(j.ID))
	if err != nil {
		return s, err
	}
	for _, name := range names {
		list, err := im.readSamples(ctx, name)
		if err != nil {
			return s, err
		}
		for _, one := range list {
			s.add(sampleKind{one.Change.Dataset, one.Change.Action}, one)
		}
	}
	return s, nil
}

func (im *Importer) readSamples(ctx context.Context, name string) (list []sample, err error) {
	text, err := objectPart(ctx, im.c.Objects, name, "", 0, -1)
	if err == nil && json.Unmarshal(text, &list) != nil {
		err = blocks.ErrDamaged()
	}
	return list, err
}
