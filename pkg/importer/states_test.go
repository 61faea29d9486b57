package importer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"weak"

	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// drawn is a table that checks, in all tests of this package, that jobs change only from state to
// state as ARCHITECTURE.md draws it.
type drawn struct{ table.Driver }

// jobVersion is one version of a job in a table.
type jobVersion struct {
	in any // see nameOf
	id string
	n  int64
}

// nameOf stands for a table. Thousands of tests have one in memory, which is not to stay there.
func nameOf(d table.Driver) any {
	if m, ok := d.(*mem.Driver); ok {
		return weak.Make(m)
	}
	return d
}

// steps is what is known of all jobs of all tests.
var steps = struct {
	sync.Mutex
	at map[jobVersion]job.State
}{at: map[jobVersion]job.State{}}

// Transact implements [table.Driver].
func (d drawn) Transact(ctx context.Context, writes []table.Write) (table.Cost, error) {
	cost, err := d.Driver.Transact(ctx, writes)
	if err != nil { // the write may have taken effect or not; the next step checks what is certain
		return cost, err
	}
	in := d.Driver
	if s, ok := in.(*seen); ok {
		in = s.Driver
	}
	for _, w := range writes {
		if id, ok := strings.CutPrefix(w.Item.SK, store.SKJob); ok && w.Item.PK == store.AccountPK && !w.Delete {
			note(nameOf(in), id, w.Item.Attrs)
		}
	}
	return cost, nil
}

// note checks the step before a version of a job, and the step after it, which may have been noted
// first.
func note(in any, id string, a table.Attrs) {
	var j job.Job
	if err := json.Unmarshal([]byte(a.Str("body")), &j); err != nil {
		panic(err)
	}
	n, _ := a.Int(store.AttrVersion)
	steps.Lock()
	defer steps.Unlock()
	steps.at[jobVersion{in, id, n}] = j.State()
	for v := n - 1; v <= n; v++ {
		from, known := steps.at[jobVersion{in, id, v}]
		to, after := steps.at[jobVersion{in, id, v + 1}]
		if known && after && !from.MayBecome(to) {
			panic(fmt.Sprintf("a job that was %s is %s, which docs/ARCHITECTURE.md does not draw", from, to))
		}
	}
}
