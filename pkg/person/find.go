package person

import (
	"context"
	"slices"
	"strings"

	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// Names name a customer: by its public id, or by its data source (name or uuid) and external id.
type Names struct{ ID, Source, ExternalID string }

// Select returns the source customer that is named, as if it were alone, and its source. By external
// id it need not exist.
func Select(d *store.Directory, n Names) (edit.Ref, store.Source, error) {
	n.ID, n.ExternalID = strings.TrimSpace(n.ID), strings.TrimSpace(n.ExternalID)
	byID := n.ID != ""
	if byID == (n.ExternalID != "") || byID == (strings.TrimSpace(n.Source) != "") {
		return edit.Ref{}, store.Source{}, &fault.Error{
			Kind: fault.Invalid, Code: "bad_selection", Param: "customer", Message: "name the customer by its id, or by its source and external id",
		}
	}
	if !byID {
		named := d.Named(n.Source)
		if len(named) == 0 {
			return edit.Ref{}, store.Source{}, fault.New(fault.NotFound, "source_not_found", "there is no such data source")
		}
		return edit.Ref{Tag: named[0].Tag, H: d.Hasher().CustomerH(n.ExternalID)}, named[0], nil
	}
	tag, h, err := store.ParseID(store.PrefixCustomer, n.ID)
	src, there := d.ByTag(tag)
	if err != nil || !there {
		return edit.Ref{}, src, noCustomer()
	}
	return edit.Ref{Tag: tag, H: h}, src, nil
}

func noCustomer() error {
	return fault.New(fault.NotFound, "customer_not_found",
		"there is no such customer; to export what files, edits or erases may still say of it, name it by its source and external id")
}

// Found is a customer with all that is merged into it.
type Found struct {
	Customers []job.ErasedRecord // the one that the others are merged into comes first
	Sources   []store.Source     // of the customers, each once; that of the first customer comes first
	Absent    bool               // no record of it is stored
}

// Find finds the customer that a source customer shows as. The error is fault.NotFound if there is
// no record, unless absent says that there need not be one; and fault.Conflict if the customer is
// being erased.
func Find(ctx context.Context, e *edit.Edit, d *store.Directory, ref edit.Ref, absent bool) (f Found, err error) {
	src, there := d.ByTag(ref.Tag)
	if !there {
		return f, noCustomer()
	}
	if erase := d.HiddenBy(store.Over(ref.Tag, store.KindCustomer, ref.H)); erase != "" {
		return f, fault.Newf(fault.Conflict, "erase_underway", "this customer is being erased by job %s; while that can be restored, restore it first to export the customer", erase)
	}
	groups, err := e.Groups(ctx, d, ref)
	group := groups[ref]
	switch {
	case err != nil:
		return f, err
	case group == nil && !absent:
		return f, noCustomer()
	case group == nil:
		return Found{Customers: []job.ErasedRecord{recordOf(ref)}, Sources: []store.Source{src}, Absent: true}, nil
	}
	for _, m := range group {
		f.Customers = append(f.Customers, recordOf(m.Ref))
		if !slices.ContainsFunc(f.Sources, func(s store.Source) bool { return s.Tag == m.Source.Tag }) {
			f.Sources = append(f.Sources, m.Source)
		}
	}
	return f, nil
}

func recordOf(r edit.Ref) job.ErasedRecord {
	return job.ErasedRecord{Tag: r.Tag, H: r.H.String(), ID: r.CustomerID()}
}
