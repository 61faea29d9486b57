package importer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// missingParent is the reason to reject a row whose parent will not exist. lost is where the row of
// that parent was rejected; nil if there is none in this import.
func (w *work) missingParent(sk string, lost *place) (column, code, message string) {
	parent := store.RecordAt(sk).Parent()
	message = w.notThere(string(parent.Kind), parent.Dataset, "row")
	if lost != nil {
		message = w.wasRejected(string(parent.Kind), "row", *lost)
	}
	return parent.Called, "unknown_" + string(parent.Kind), message
}

// wasRejected says that the record which a row names is in this import, but was rejected.
func (w *work) wasRejected(what, row string, at place) string {
	f, noun := w.job.Import.Files[at.file], "line"
	if f.Tab != "" {
		noun = "row"
	}
	return fmt.Sprintf("The %s of this %s is in %s, which was rejected, too: correct that %s, and import both again.", what, row, rowAt(f, at.line), noun)
}

// isForgotten says that a row belongs to a record that is not imported, because the customer of that
// one is on the do-not-reload list.
func (w *work) isForgotten(at place) string {
	return fmt.Sprintf("The record that this row belongs to is not imported, since its customer is on the do-not-reload list, as %s says in the rejects. The row is left blank here.",
		rowAt(w.job.Import.Files[at.file], at.line))
}

// notThere says that the record that a row belongs to will not exist. If the import replaces the
// dataset of that record, stored records do not count.
func (w *work) notThere(what string, ds billing.Dataset, row string) string {
	if w.replaces(ds) {
		return fmt.Sprintf("The %s of this %s is not in this import, which replaces all %s.", what, row, ds)
	}
	return fmt.Sprintf("The %s of this %s is neither stored in this source nor taken in with this import.", what, row)
}

// replaces reports whether the import replaces all rows of a dataset.
func (w *work) replaces(ds billing.Dataset) bool {
	return w.job.Import.Mode == job.Replace && w.given(ds) && (ds != billing.Plans || w.job.Import.OnlyCustomer() == "")
}

// isNamed reports whether rows of other datasets name records of a kind by their external ids.
func isNamed(k *store.RecordKind) bool {
	return k != nil && (k.Called != "" || k.Kind == store.KindPlan)
}

// lostRecords are records of this import whose rows were rejected, in the order of their keys.
type lostRecords struct {
	in   *merger // nil if there are none
	cur  entry
	more bool
}

// lostRecords opens the records of a stage and key range that map has rejected.
func (w *work) lostRecords(ctx context.Context, stage, keyRange int) (*lostRecords, error) {
	in, err := w.runs.read(ctx, runPrefix(stage, runLost), keyRange)
	if err != nil {
		return nil, err
	}
	l := &lostRecords{in: in}
	if err := l.step(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *lostRecords) step() (err error) {
	l.cur, err = l.in.next()
	l.more = err == nil
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// at is where the row of a record was rejected, the first one; nil if none was. Keys must be asked
// for in their order.
func (l *lostRecords) at(sk string) (*place, error) {
	for l.more && l.cur.key < sk {
		if err := l.step(); err != nil {
			return nil, err
		}
	}
	if !l.more || l.cur.key != sk {
		return nil, nil //nolint:nilnil // nil is the answer: no row was rejected
	}
	at := l.cur.place
	return &at, nil
}

// forgotten reports whether the row that at has found is of a customer on the do-not-reload list.
func (l *lostRecords) forgotten() bool { return string(l.cur.body) == codeForgotten }

func (l *lostRecords) close() {
	if l.in != nil {
		l.in.close()
	}
}

// lostParents opens the records of a key range that the rows of a stage may belong to, and that map
// has rejected: invoices of the same stage, or customers.
func (w *work) lostParents(ctx context.Context, stage, keyRange int) (*lostRecords, error) {
	switch {
	case hasParts(stage):
		return w.lostRecords(ctx, stage, keyRange)
	case underCustomers(stage):
		return w.lostRecords(ctx, stageCustomers, keyRange)
	}
	return &lostRecords{}, nil
}

// loadLostPlans reads the plans of a key range that map has rejected.
func (w *work) loadLostPlans(ctx context.Context, keyRange int) error {
	in, err := w.runs.read(ctx, runPrefix(stagePlans, runLost), keyRange)
	if err != nil {
		return err
	}
	defer in.close()
	return in.each(func(e entry) error {
		if _, is := w.lostPlans[e.key]; !is {
			w.lostPlans[e.key] = e.place
		}
		return nil
	})
}
