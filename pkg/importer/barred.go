package importer

import (
	"context"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// barred knows the records of a source that no import may bring: records that an erase hides and
// that can still be restored, and customers on the do-not-reload list.
type barred struct {
	dir       *store.Directory
	hasher    *store.Hasher
	forgotten map[store.H]bool
}

// loadBarred reads the do-not-reload list of the source, if there is one.
func (w *work) loadBarred(ctx context.Context) (*barred, error) {
	b := &barred{dir: w.dir, hasher: w.hasher, forgotten: map[store.H]bool{}}
	if !w.dir.Forgets {
		return b, nil
	}
	source, _ := w.hasher.ForgottenH(w.job.SourceName, "")
	for item, err := range w.store.Items(ctx, store.Forgotten(source)) {
		if err != nil {
			return nil, err
		}
		if h, ok := store.TrailingH(item.SK); ok {
			b.forgotten[h] = true
		}
	}
	return b, nil
}

// refuse says why the record with this sort key may not be imported; nil if it may.
func (b *barred) refuse(tag store.Tag, kind *store.RecordKind, sk string, rec billing.Record) *billing.Problem {
	hides := b.dir.AnyBuried(tag)
	if !hides && len(b.forgotten) == 0 {
		return nil
	}
	a := table.Attrs(kind.Append(nil, rec))
	if customer := kind.CustomerID(a); customer != "" && len(b.forgotten) > 0 {
		if _, h := b.hasher.ForgottenH("", customer); b.forgotten[h] {
			return &billing.Problem{
				Column: columnNaming(kind), Code: "forgotten",
				Message: "This customer was erased and is on the do-not-reload list. To load it again, take it off that list.",
			}
		}
	}
	if b.dir.Covers(tag, sk, a) {
		return erasing(columnNaming(kind))
	}
	return nil
}

// columnNaming is the column that identifies a row: the parent's column if the row's key begins
// with its parent, else the row's own.
func columnNaming(kind *store.RecordKind) string {
	if kind.Under() {
		return kind.Parent().Called
	}
	return billing.ColumnID(kind.Dataset)
}

func erasing(column string) *billing.Problem {
	return &billing.Problem{
		Column: column, Code: codeErasing,
		Message: "This record is being erased, and can still be restored. Restore it, or import again when the erase has ended.",
	}
}

// errEmptied ends an import whose source was emptied while it ran: what it decided rests on data
// that is gone.
func errEmptied() error {
	return fault.New(fault.Conflict, codeEmptied, "The data source was emptied, or an earlier state of it was restored, while the import ran. What the import had written is gone; import the files again.")
}

const codeEmptied = "source_emptied"

// errManualErased ends an import during which manual customers were erased.
func errManualErased() error {
	return fault.New(fault.Conflict, "manual_erased", "Manual customers were erased while the import ran, with what it had written about them; import the files again.")
}

// codeErasing is the code of rejects whose record an erase hides and can still restore.
const codeErasing = "being_erased"
