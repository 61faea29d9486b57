package importer

import (
	"context"

	"reseed/pkg/billing"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// blocklist knows the records of a source that no import may bring: records that an erase hides and
// that can still be restored, and customers on the do-not-reload list.
type blocklist struct {
	dir       *store.Directory
	hasher    *store.Hasher
	forgotten map[store.H]bool
}

// loadBlocklist reads the do-not-reload list of the source, if there is one.
func (w *work) loadBlocklist(ctx context.Context) (*blocklist, error) {
	b := &blocklist{dir: w.dir, hasher: w.hasher, forgotten: map[store.H]bool{}}
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
func (b *blocklist) refuse(tag store.Tag, kind *store.RecordKind, sk string, rec billing.Record) *billing.Problem {
	hides := b.dir.AnyHidden(tag)
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
