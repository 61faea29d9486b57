package eraser

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// uncount takes what was removed from a source out of its tally. It does so once, however often the
// sweep is interrupted: the same transaction notes it in the lead.
func (r *run) uncount(ctx context.Context, src store.Source) error {
	kind := Kind(r.job.Erase.Selection)
	note := fmt.Sprintf("counted %05x", uint32(src.Tag))
	if kind == Source || slices.Contains(r.lead.Done, note) {
		return nil
	}
	swept, err := r.sweptOf(ctx, src.Tag)
	if err != nil {
		return err
	}
	manual := int64(0)
	if kind == ManualCustomers {
		manual = r.job.Erase.Manual
	}
	done := r.lead.Done
	for seen := int64(-1); ; {
		writes, err := r.ledger.Uncount(ctx, src.Tag, swept, r.leftEmpty, manual)
		if err != nil {
			return err
		}
		r.lead.Done = append(slices.Clone(done), note)
		r.lead.Cost = r.before.Add(r.st.Spent())
		err = r.lease.SaveWith(encode(r.lead), writes...)
		if !fault.Is(err, fault.Conflict) {
			return err
		}
		r.lead.Done = done
		// The tally may have changed: then it is read again. Otherwise another sweep has the lead.
		if len(writes) == 0 || writes[0].If.N == seen {
			return err
		}
		seen = writes[0].If.N
	}
}

// sweptOf sums up what the lanes of a source have removed, by the epochs under which it was.
func (r *run) sweptOf(ctx context.Context, tag store.Tag) ([]job.Swept, error) {
	tasks, err := r.ledger.Tasks(ctx, r.job.ID, lanePhase+"/")
	if err != nil {
		return nil, err
	}
	var all []job.Swept
	for _, t := range tasks {
		of, epochs, ok := laneSpace(t.ID)
		if !ok || of != tag {
			continue
		}
		cp, err := decodeCheckpoint(t)
		if err != nil {
			return nil, err
		}
		all = append(all, job.Swept{Epochs: epochs, Rows: cp.Removed})
	}
	return all, nil
}

// laneSpace reads the tag and the epochs in the id of a lane's task, which [laneName] has spelt.
func laneSpace(id string) (tag store.Tag, e store.Epochs, ok bool) {
	name := strings.TrimPrefix(id, lanePhase+"/")
	if number, found := strings.CutPrefix(name, "record."); found {
		_, name, _ = strings.Cut(number, ".")
	}
	var n uint32
	_, err := fmt.Sscanf(name, "%05x.c%d.d%d.e%d", &n, &e.Customers, &e.Data, &e.Edits)
	return store.Tag(n), e, err == nil
}

// leftEmpty tells whether the erase has removed everything that is counted under some epochs.
func (r *run) leftEmpty(c job.Counted) bool {
	was := r.job.Erase.Was.Epochs
	switch Kind(r.job.Erase.Selection) { //nolint:exhaustive // the others remove single rows
	case Content:
		return c.Customers == was.Customers
	case Dependent:
		return c.Customers == was.Customers && c.Data == was.Data
	}
	return false
}
