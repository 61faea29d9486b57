package kindstest_test

import (
	"os"
	"testing"

	"reseed/pkg/billing"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// This file is all that a new kind needs: its record, its columns, how it is stored, and its entry
// in the list.

const notes billing.Dataset = "notes"

// note is a remark about a customer.
type note struct{ Customer, ExternalID, Text string }

func (*note) Dataset() billing.Dataset { return notes }

type noteRow struct {
	Customer   string `csv:"Customer external ID" rule:"required" names:"customer"`
	ExternalID string `csv:"Note ID" rule:"required" names:"id"`
	Text       string `csv:"Text"`
}

func (r *noteRow) Record() billing.Record { return &note{r.Customer, r.ExternalID, r.Text} }

func (r *noteRow) Fill(rec billing.Record) {
	n, _ := rec.(*note)
	r.Customer, r.ExternalID, r.Text = n.Customer, n.ExternalID, n.Text
}

func appendNote(b []byte, r billing.Record) []byte {
	n, _ := r.(*note)
	b = table.AppendStr(b, "customer", n.Customer)
	b = table.AppendStr(b, "external_id", n.ExternalID)
	return table.AppendStr(b, "text", n.Text)
}

func locateNote(hr *store.Hasher, r billing.Record) store.Location {
	n, _ := r.(*note)
	return store.Location{SK: "n#" + hr.CustomerH(n.Customer).String() + "#" + hr.External("note", n.ExternalID).String()}
}

func noteKind() store.RecordKind {
	return store.RecordKind{
		Kind: "note", Dataset: notes, SK: "n#", Place: store.WithData, Stage: store.Stages(), ID: "nt_",
		Of: store.KindCustomer, OfAttr: "customer", Manual: true,
		Edits:  []string{store.EditFields},
		Append: appendNote, Locate: locateNote,
		Decode: func(a table.Attrs) billing.Record {
			return &note{a.Str("customer"), a.Str("external_id"), a.Str("text")}
		},
	}
}

func TestMain(m *testing.M) {
	billing.AddLayout(notes, func() billing.Row { return &noteRow{} })
	if err := store.AddKind(noteKind()); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
