package person

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/api/wire"
	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

const (
	mostParts    = 100 // parts of a record in a view; all count for its sum
	mostContacts = 20  // of a member
	readAtOnce   = 16
)

// Viewer reads a few records for people who look at them. It is safe for concurrent use.
type Viewer struct {
	st *store.Store
	d  *store.Directory
}

// NewViewer makes a Viewer of what is visible in a directory.
func NewViewer(st *store.Store, d *store.Directory) *Viewer { return &Viewer{st, d} }

// Record makes the view of a stored record. Of a part it also reads what that is a part of, for the
// currency.
func (v *Viewer) Record(ctx context.Context, src store.Source, it table.Item) (w wire.Record, err error) {
	k, r, m := store.RecordAt(it.SK), newReading(v.st, v.d), memberOf(src, store.H{})
	currency := ""
	if k.Part {
		if currency, err = r.currencyOver(ctx, m, it.SK); err != nil {
			return w, err
		}
	}
	first := true
	var sum sums
	_, err = r.withParts(ctx, k, m, it, func(k *store.RecordKind, rec Record) error {
		one, err := describe(rec, currency)
		switch {
		case err != nil:
			return err
		case first:
			first, w = false, one
			currency = cmp.Or(one.Field(fieldCurrency).Value, currency)
			if !k.Part && one.Field(fieldAmount).Money != nil { // of an event
				w.Sum = one.Field(fieldAmount).Money
			}
			return nil
		case len(w.Parts) < mostParts:
			w.Parts = append(w.Parts, one)
		default:
			w.MissedParts++
		}
		if k.Dataset == billing.LineItems && !deleted(one.Edits) {
			sum.addMoney(one.Field(fieldAmount).Money)
		}
		return nil
	})
	for code, minor := range sum { // one currency, that of the invoice
		w.Sum = moneyOf(minor, code)
	}
	return w, err
}

// currencyOver is the currency of the record that a part belongs to, as people see it.
func (r *reading) currencyOver(ctx context.Context, m member, part string) (string, error) {
	key := m.sp.Key(store.ParentSK(part))
	found, err := r.st.Lookup(ctx, key, m.sp.FieldsOf(key))
	if err != nil {
		return "", err
	}
	row, err := edit.ReadRow(r.d, found, m.sp, key)
	return store.CurrencyIn(row.Over(found[key])), err
}

// deleted reports whether a person has deleted a record.
func deleted(edits []wire.Edit) bool {
	return slices.ContainsFunc(edits, func(e wire.Edit) bool { return e.Deleted != nil })
}

func memberOf(src store.Source, h store.H) member {
	return member{src, src.Space(), h, edit.Ref{Tag: src.Tag, H: h}.CustomerID()}
}

// describe turns a Record into the shape of answers. Amounts without a currency of their own are in
// the given one.
func describe(rec Record, currency string) (w wire.Record, err error) {
	w = wire.Record{ID: rec.ID, Source: rec.DataSource, Fields: []wire.RecordField{}, AddedAt: rec.AddedAt, ChangedAt: rec.ChangedAt, Edits: rec.Edits}
	shown, err := valuesOf(rec.Shown)
	if err != nil {
		return w, err
	}
	was, err := valuesOf(rec.Imported)
	if err != nil {
		return w, err
	}
	w.Dataset = shown["dataset"]
	for _, f := range billing.FieldsOf(billing.Dataset(w.Dataset)) {
		now, before := spelled(f, shown), spelled(f, was)
		if now == "" && before == "" {
			continue
		}
		one := wire.RecordField{Name: f.Name, Is: f.Is, Value: now, Money: moneyIn(f, shown, currency)}
		if name, mark := markIn(rec.Edits, f.Name); mark != nil {
			one.Edit = &wire.FieldEdit{Name: name, Imported: before, ImportedMoney: moneyIn(f, was, currency), Mark: *mark}
		}
		w.Fields = append(w.Fields, one)
	}
	return w, nil
}

// spelled is the value of a field, with a time in one form.
func spelled(f billing.Field, values map[string]string) string {
	v := values[f.Name]
	if f.Is == "time" {
		if t, err := billing.ParseTime(v); err == nil {
			return t.UTC().Format(time.RFC3339Nano)
		}
	}
	return v
}

// markIn returns who changed a field, and the name that it has as an edit.
func markIn(edits []wire.Edit, field string) (string, *wire.Mark) {
	name := field
	if field == "plan_external_id" {
		name = "plan_uuid"
	}
	for _, e := range edits {
		if f, is := e.Fields[name]; is {
			return name, &f.Mark
		}
	}
	return "", nil
}

// moneyIn is the amount in a field; nil if it holds none, or one whose currency is not known.
func moneyIn(f billing.Field, values map[string]string, otherwise string) *wire.Money {
	minor, err := strconv.ParseInt(values[f.Name], 10, 64)
	currency := cmp.Or(values[f.In], otherwise)
	if f.Is != "cents" || err != nil || currency == "" {
		return nil
	}
	return moneyOf(minor, currency)
}

func moneyOf(minor int64, currency string) *wire.Money {
	return &wire.Money{Minor: minor, Currency: currency, Decimals: billing.Exponent(currency)}
}

func (s *sums) addMoney(m *wire.Money) {
	if m != nil {
		s.add(view{Minor: m.Minor, Currency: m.Currency, Summed: true})
	}
}

// Member makes the view of one of the source customers of a group, with its first contacts.
func (v *Viewer) Member(ctx context.Context, g edit.Group, of *edit.Member) (w wire.Member, err error) {
	one, err := v.Record(ctx, of.Source, table.Item{Key: of.Source.Space().Customer(of.H), Attrs: of.Attrs})
	if err != nil {
		return w, err
	}
	w = wire.Member{
		Record: one, ExternalID: of.Attrs.Str(fieldID), SourceName: of.Source.Name, System: of.Source.System,
		Manual: store.OriginOf(of.Attrs).Manual > 0,
	}
	if of != g[0] {
		link := of.Edits.Merge
		w.MergedInto, w.Merged = link.Into.CustomerID(), markOf(&link.Mark)
	}
	w.Contacts, err = v.contacts(ctx, memberOf(of.Source, of.H))
	if len(w.Contacts) > mostContacts {
		w.Contacts, w.MissedContacts = w.Contacts[:mostContacts], true
	}
	return w, err
}

// contacts reads the first contacts of a source customer, and one more.
func (v *Viewer) contacts(ctx context.Context, m member) (list []wire.Record, err error) {
	r, q := newReading(v.st, v.d), m.sp.Below(store.KindNamed(store.KindContact), m.h)
	q.Limit = mostContacts + 1
	for it, err := range v.st.Items(ctx, q) {
		switch {
		case err != nil:
			return nil, err
		case v.d.Hides(m.src.Tag, it.SK, it.Attrs):
			continue
		}
		rec, err := r.describe(m, it, nil)
		if err != nil {
			return nil, err
		}
		one, err := describe(rec, "")
		if err != nil {
			return nil, err
		}
		if list = append(list, one); len(list) > mostContacts {
			break
		}
	}
	return list, nil
}

// Belonging is a record of a source customer that may be gone, or be another customer's by now.
type Belonging struct {
	Owner edit.Ref
	SK    string
}

// Views reads the records of source customers. Those that are not there any more, or not visible,
// are nil in the list.
func (v *Viewer) Views(ctx context.Context, records []Belonging) ([]*wire.Record, error) {
	hr := v.d.Hasher()
	keys := make([]table.Key, len(records))
	for i, b := range records {
		src, _ := v.d.ByTag(b.Owner.Tag)
		keys[i] = src.Space().Key(b.SK)
	}
	found, err := v.st.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	views := make([]*wire.Record, len(records))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readAtOnce)
	for i, b := range records {
		a, there := found[keys[i]]
		if !there || v.d.Hides(b.Owner.Tag, b.SK, a) || hr.CustomerH(a.Str(store.RecordAt(b.SK).OfAttr)) != b.Owner.H {
			continue
		}
		g.Go(func() error {
			src, _ := v.d.ByTag(b.Owner.Tag)
			one, err := v.Record(ctx, src, table.Item{Key: keys[i], Attrs: a})
			views[i] = &one
			return err
		})
	}
	return views, g.Wait()
}
