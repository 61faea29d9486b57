package eraser

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// Kind names what a selection is about. It stands in the job.
type Kind string

// The kinds of selection.
const (
	Source           Kind = "source"            // a whole source, and its name
	Content          Kind = "content"           // everything in a source, which itself stays
	Dependent        Kind = "dependent"         // everything in a source but its customers, with their contacts
	ManualCustomers  Kind = "manual-customers"  // all customers entered by hand or by file, in every source, with all that belongs to them
	Customer         Kind = "customer"          // one customer, with whatever was merged into it and all that belongs to them
	CustomerInvoices Kind = "customer-invoices" // all invoices of one customer in one source
	Invoice          Kind = "invoice"           // one invoice, with its line items and transactions
	Import           Kind = "import"            // the rows that one import added
)

// Kinds are all kinds of selection.
func Kinds() []Kind {
	return []Kind{Source, Content, Dependent, ManualCustomers, Customer, CustomerInvoices, Invoice, Import}
}

// Selection is what to erase.
type Selection struct {
	Kind   Kind
	Source string  // uuid (ds_…); empty for ManualCustomers and Import
	H      store.H // of the customer or invoice
	Import string  // the job
}

// Select finds what a request means: a kind, the source by uuid or name where one is needed, and the public id of a
// customer or invoice, or the id of an import, where one is. Nothing, or something unknown, never is "everything".
func Select(d *store.Directory, kind Kind, source, id string) (Selection, error) {
	sel := Selection{Kind: kind}
	source, id = strings.TrimSpace(source), strings.TrimSpace(id)
	switch {
	case !slices.Contains(Kinds(), kind):
		return sel, bad("selection", fmt.Sprintf("must be one of: %s", kindNames()))
	case kind == ManualCustomers && (source != "" || id != ""):
		return sel, bad("id", "must not be given: all manual customers are meant")
	case kind == ManualCustomers:
		return sel, nil
	case kind == Import:
		return selectImport(source, id)
	case kind.records():
		return selectRecord(d, sel, source, id)
	}
	src, ok := d.ByUUID(source + id) // one of them
	if !ok && id == "" {
		src, ok = d.ByName(source)
	}
	switch {
	case source == "" && id == "":
		return sel, &fault.Error{Kind: fault.Invalid, Code: "empty_selection", Param: "source", Message: "name the data source to be erased, by its id or its name"}
	case !ok:
		return sel, noSource()
	}
	sel.Source = src.UUID
	return sel, nil
}

func selectImport(source, id string) (Selection, error) {
	switch {
	case id == "":
		return Selection{}, bad("id", "name the import by the id of its job")
	case source != "":
		return Selection{}, bad("source", "must not be given: an import is of one source")
	}
	return Selection{Kind: Import, Import: id}, nil
}

func selectRecord(d *store.Directory, sel Selection, source, id string) (Selection, error) {
	if id == "" {
		return sel, bad("id", "name the customer or invoice by its id")
	}
	prefix := store.PrefixCustomer
	if sel.Kind == Invoice {
		prefix = store.PrefixInvoice
	}
	tag, h, err := store.ParseID(prefix, id)
	if err != nil {
		return sel, noRecord()
	}
	src, ok := d.ByTag(tag)
	if !ok || source != "" && source != src.UUID && source != src.Name {
		return sel, noRecord()
	}
	sel.Source, sel.H = src.UUID, h
	return sel, nil
}

func kindNames() string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

func bad(param, message string) error {
	return &fault.Error{Kind: fault.Invalid, Code: "bad_selection", Param: param, Message: message}
}

func noSource() error {
	return fault.New(fault.NotFound, "source_not_found", "there is no such data source")
}

// Options are how to erase.
type Options struct {
	// KeepEdits leaves what people did to the rows by hand, so that it is there again when the same external ids
	// return. nil is the rule: edits stay if a source is emptied, and go with it or with the record they hang on.
	KeepEdits *bool
	// Forget puts the erased customer on the do-not-reload list of its source.
	Forget bool
	// Grace is for how long the erase can be restored; nil is the deployment's.
	Grace *time.Duration
	// By is who asks.
	By string
}

// empties tells whether the selection leaves a source there to be filled again.
func (k Kind) empties() bool { return k == Content || k == Dependent }

// clearsFiles tells whether the files of imports go with the selection. An invoice leaves them: nothing in it is personal.
func (k Kind) clearsFiles() bool { return k != Invoice }

// records tells whether the selection is of single records, which a tombstone hides.
func (k Kind) records() bool { return k == Customer || k == CustomerInvoices || k == Invoice }

// buries tells whether tombstones hide the selection.
func (k Kind) buries() bool { return k.records() || k == Import }

// tombstone is the kind of the tombstone over each record.
func (k Kind) tombstone() store.Kind {
	switch k {
	case CustomerInvoices:
		return store.KindInvoicesOf
	case Invoice:
		return store.KindInvoice
	case Import:
		return store.KindImport
	case Customer, Source, Content, Dependent, ManualCustomers:
	}
	return store.KindCustomer
}

func (s Selection) check() error {
	ok := false
	switch s.Kind {
	case Source, Content, Dependent:
		ok = s.Source != "" && s.H.IsZero()
	case ManualCustomers:
		ok = s.Source == "" && s.H.IsZero()
	case Customer, CustomerInvoices, Invoice:
		ok = s.Source != "" && !s.H.IsZero()
	case Import:
		ok = s.Import != ""
	}
	if !ok {
		return fault.New(fault.Invalid, "empty_selection", "nothing, or nothing known, is selected to be erased")
	}
	return nil
}

// keeps tells whether edits stay.
func (o Options) keeps(k Kind) bool {
	if o.KeepEdits != nil {
		return *o.KeepEdits
	}
	return k.empties()
}

func (o Options) check(k Kind) error {
	switch {
	case o.keeps(k) && (k == Source || k == ManualCustomers || k == Customer):
		return bad("keep_edits", "edits can't be kept: what they hang on does not come back under the same ids, or is to be gone for good")
	case o.Forget && k != Customer:
		return bad("forget", "only a customer can be put on the do-not-reload list")
	case o.Grace != nil && (*o.Grace < 0 || *o.Grace > job.MaxGrace):
		return bad("grace", "a grace period lasts from 0 to 90 days")
	}
	return nil
}
