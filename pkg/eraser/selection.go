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

// Kind is a kind of selection. It is stored in the job.
type Kind string

// The kinds of selection.
const (
	Source    Kind = "source"    // a whole source, with its name
	Content   Kind = "content"   // everything in a source; the source itself stays
	Dependent Kind = "dependent" // everything in a source except its customers and their contacts
	// ManualCustomers is all customers entered by hand or by file, in every source, with all that
	// belongs to them.
	ManualCustomers Kind = "manual-customers"
	// Customer is one customer, with all customers merged into it and all that belongs to them.
	Customer         Kind = "customer"
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
	Import string  // the id of its job
	// ExternalID is that of the customer, if the request names it so: then its record need not exist.
	ExternalID string
	Names      Names // as the request has named it
}

// Names are what a request names: a source by uuid or name, and a customer or invoice by its public
// id, a customer by its external id, or an import by its id, as far as the kind of selection needs
// them.
type Names struct{ Source, ID, ExternalID string }

// Select makes a selection of a kind from what a request names. An empty or unknown name never
// means "everything": it is an error.
func Select(d *store.Directory, kind Kind, n Names) (Selection, error) {
	sel, err := choose(d, kind, n)
	sel.Names = n
	return sel, err
}

func choose(d *store.Directory, kind Kind, n Names) (Selection, error) {
	sel := Selection{Kind: kind}
	n.ID, n.ExternalID = strings.TrimSpace(n.ID), strings.TrimSpace(n.ExternalID)
	if strings.TrimSpace(n.Source) == "" {
		n.Source = ""
	}
	switch {
	case !slices.Contains(Kinds(), kind):
		return sel, bad("selection", fmt.Sprintf("must be one of: %s", kindNames()))
	case n.ExternalID != "":
		return selectCustomer(d, kind, n)
	case kind == ManualCustomers && n != Names{}:
		return sel, bad("id", "must not be given: all manual customers are meant")
	case kind == ManualCustomers:
		return sel, nil
	case kind == Import:
		return selectImport(n.Source, n.ID)
	case kind.records():
		return selectRecord(d, sel, n)
	}
	return selectSource(d, sel, n)
}

func selectSource(d *store.Directory, sel Selection, n Names) (Selection, error) {
	src, ok := d.ByUUID(n.Source + n.ID) // only one of them is given
	if !ok && n.ID == "" {
		src, ok = d.ByName(n.Source)
	}
	switch {
	case n.Source == "" && n.ID == "":
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
		return Selection{}, bad("source", "must not be given: each import belongs to one source")
	}
	return Selection{Kind: Import, Import: id}, nil
}

// selectCustomer selects a customer by its source and external id.
func selectCustomer(d *store.Directory, kind Kind, n Names) (Selection, error) {
	named := d.Named(n.Source)
	switch {
	case kind != Customer:
		return Selection{}, bad("external_id", "must not be given: only a customer is named by it")
	case n.ID != "":
		return Selection{}, bad("external_id", "must not be given with an id: name the customer by one of them")
	case n.Source == "":
		return Selection{}, bad("source", "name the data source of the customer, too: its external id means nothing without it")
	case len(named) == 0:
		return Selection{}, noSource()
	}
	return Selection{Kind: Customer, Source: named[0].UUID, H: d.Hasher().CustomerH(n.ExternalID), ExternalID: n.ExternalID}, nil
}

func selectRecord(d *store.Directory, sel Selection, n Names) (Selection, error) {
	switch {
	case n.ID == "" && sel.Kind == Customer:
		return sel, bad("id", "name the customer by its id, or by its source and external id")
	case n.ID == "":
		return sel, bad("id", "name the customer or invoice by its id")
	}
	prefix := store.PrefixCustomer
	if sel.Kind == Invoice {
		prefix = store.PrefixInvoice
	}
	tag, h, err := store.ParseID(prefix, n.ID)
	if err != nil {
		return sel, noRecord(sel.Kind)
	}
	src, ok := d.ByTag(tag)
	if !ok || n.Source != "" && n.Source != src.UUID && !store.SameName(n.Source, src.Name) {
		return sel, noRecord(sel.Kind)
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

// Options say how to erase.
type Options struct {
	// KeepEdits keeps what people did to the rows by hand, so that it applies again when the same
	// external ids return. nil means the default: edits stay if the content of a source is erased
	// or what depends on its customers, and are erased with a source or a record.
	KeepEdits *bool
	// Forget puts the erased customer on the do-not-reload list of its source.
	Forget bool
	// Grace is how long the erase can be restored; nil means the setting of the account, or else
	// of the deployment.
	Grace *time.Duration
	// By names who asks.
	By string
	// Reason says why, in words for the receipt.
	Reason string
	// Plan is the id of a plan that is confirmed: the erase is refused if it would do anything else. If
	// an erase was begun with the plan before, there is no other.
	Plan string
	// Quiet says that people are not told when the erase is done.
	Quiet bool

	grace time.Duration // what Grace means: set by [Eraser.check]
}

// raisesEpochs tells whether new epochs of a source hide the selection. The source itself stays,
// and can be filled again.
func (k Kind) raisesEpochs() bool { return k == Content || k == Dependent }

// clearsFiles tells whether the files of imports are deleted with the selection. For an invoice
// they are not: it holds no personal data.
func (k Kind) clearsFiles() bool { return k != Invoice }

// records tells whether the selection consists of single records, which tombstones hide.
func (k Kind) records() bool { return k == Customer || k == CustomerInvoices || k == Invoice }

// hasTombstones tells whether tombstones hide the selection.
func (k Kind) hasTombstones() bool { return k.records() || k == Import }

// tombstone returns the kind of the tombstone over each record.
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
	return k.raisesEpochs()
}

func (o Options) check(k Kind) error {
	switch {
	case o.keeps(k) && (k == Source || k == ManualCustomers || k == Customer):
		return bad("keep_edits", "edits can't be kept: the rows that they belong to do not come back under the same ids, or are to be gone for good")
	case o.Forget && k != Customer:
		return bad("forget", "only a customer can be put on the do-not-reload list")
	case o.Grace != nil && (*o.Grace < 0 || *o.Grace > job.MaxGrace):
		return bad("grace", "a grace period lasts from 0 to 90 days")
	}
	return nil
}
