package importer

import (
	"context"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/store"
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
	for _, source := range w.hasher.ForgottenNames(w.job.SourceName) {
		for item, err := range w.store.Items(ctx, store.Forgotten(source)) {
			if err != nil {
				return nil, err
			}
			if h, ok := store.TrailingH(item.SK); ok {
				b.forgotten[h] = true
			}
		}
	}
	return b, nil
}

// refuse says that an erase hides the record with this sort key; nil if none does.
func (b *blocklist) refuse(tag store.Tag, kind *store.RecordKind, sk string, rec billing.Record) *billing.Problem {
	if b.dir.AnyHidden(tag) && b.dir.Covers(tag, sk, kind.Append(nil, rec)) {
		return erasing(columnNaming(kind))
	}
	return nil
}

// hashDigits is how much of a hash from the do-not-reload list is told to people: 48 bits.
const hashDigits = 12

// entry returns the beginning of the hash of the first of these customers that is on the
// do-not-reload list; empty if none is.
func (b *blocklist) entry(customers ...string) string {
	if len(b.forgotten) == 0 {
		return ""
	}
	for _, id := range customers {
		for _, spelt := range spellings(id) {
			if _, h := b.hasher.ForgottenH("", spelt); b.forgotten[h] {
				return h.String()[:hashDigits]
			}
		}
	}
	return ""
}

// spellings lists the id of a customer as it is, and as it is without what spreadsheets and other
// programs put around ids: ="00123", '00123, 123.0. It was stored, and forgotten, with such signs if
// the file of that time had them, or --ids verbatim was given; so 00123 is also ="00123".
func spellings(id string) (out []string) {
	bare := strings.TrimSuffix(strings.Trim(strings.TrimPrefix(id, "="), `"' `), ".0")
	if bare == "" {
		return nil
	}
	return []string{id, bare, `="` + bare + `"`}
}

// codeForgotten is the code of rows about customers on the do-not-reload list. Their values are
// left out of rejects files.
const codeForgotten = "forgotten"

// forgotten says that the customer of a row is on the do-not-reload list. kind is nil for a row
// whose dataset is not known.
func forgotten(kind *store.RecordKind, hash string) *billing.Problem {
	p := &billing.Problem{
		Code: codeForgotten,
		Message: "This customer was erased and is on the do-not-reload list, as " + hash + " (a keyed hash of its id). " +
			"The row is left blank here. To load the customer again, take it off that list, and import the file again.",
	}
	if kind != nil {
		p.Column = columnNaming(kind)
	}
	return p
}

// columnNaming is the column that identifies a row: the parent's column if the row's key begins
// with its parent, else the row's own.
func columnNaming(kind *store.RecordKind) string {
	if kind.Under() {
		return kind.Parent().Called
	}
	return billing.ColumnID(kind.Dataset)
}
