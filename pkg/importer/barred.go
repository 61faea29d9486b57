package importer

import (
	"context"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// barred are the records of a source that no import may bring: those that an erase has hidden and can still
// restore, and customers that are to be forgotten.
type barred struct {
	dir       *store.Directory
	hasher    *store.Hasher
	forgotten map[store.H]bool
}

// loadBarred reads what is barred, mostly nothing.
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

// refuse says why a record that belongs under a sort key is barred; nil if it is not.
func (b *barred) refuse(tag store.Tag, kind *store.RecordKind, sk string, rec billing.Record) *billing.Problem {
	hides := b.dir.AnyHidden(tag)
	if !hides && len(b.forgotten) == 0 {
		return nil
	}
	a := table.Attrs(kind.Append(nil, rec))
	if customer := kind.CustomerID(a); customer != "" && len(b.forgotten) > 0 {
		if _, h := b.hasher.ForgottenH("", customer); b.forgotten[h] {
			return &billing.Problem{
				Column: columnNaming(kind), Code: "forgotten",
				Message: "This customer was erased and is not to be loaded again. If that is meant no more, take it off the do-not-reload list.",
			}
		}
	}
	if b.dir.Covers(tag, sk, a) {
		return erasing(columnNaming(kind))
	}
	return nil
}

// columnNaming is the column by which a row is known: that of its parent if its key begins with that, else its own.
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

// errEmptied ends an import under which its source was emptied: what it has decided rests on what is gone.
func errEmptied() error {
	return fault.New(fault.Conflict, codeEmptied, "The data source was emptied, or a former state of it restored, while the import ran. What it had written is gone with that; import the files again.")
}

const codeEmptied = "source_emptied"

// errManualErased ends an import under which manual customers were erased.
func errManualErased() error {
	return fault.New(fault.Conflict, "manual_erased", "Manual customers were erased while the import ran, and what it had written of them with that; import the files again.")
}

// codeErasing is that of rows which an erase has hidden and can still restore.
const codeErasing = "being_erased"
