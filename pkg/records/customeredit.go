package records

import (
	"context"

	"reseed/pkg/edit"
	"reseed/pkg/table"
)

// People can change the fields of customers, and give them tags and custom attributes. All of that
// is edits, which stay whatever is imported later. In a merged customer, an addition goes to the
// member that the others were merged into, and a removal to all members.

// CustomerEdit is a change of a source customer's edits.
type CustomerEdit struct {
	*edit.Member
	*edit.Change
}

// AddTags adds tags.
func AddTags(m *edit.Member, by string, tags []string) CustomerEdit {
	return CustomerEdit{m, m.Customer().By(by).AddTags(tags...)}
}

// SetTags makes the tags of a customer these and no others.
func SetTags(g edit.Group, by string, tags []string) []CustomerEdit {
	list := []CustomerEdit{{g[0], g[0].Customer().By(by).SetTags(tags...)}}
	keep := map[string]bool{}
	for _, t := range tags {
		keep[t] = true
	}
	var gone []string
	for _, t := range g.Tags() {
		if !keep[t] {
			gone = append(gone, t)
		}
	}
	if len(gone) == 0 {
		return list
	}
	return append(list, RemoveTags(g[1:], by, gone)...)
}

// RemoveTags removes tags.
func RemoveTags(g edit.Group, by string, tags []string) (list []CustomerEdit) {
	for _, m := range g {
		list = append(list, CustomerEdit{m, m.Customer().By(by).RemoveTags(tags...)})
	}
	return list
}

// SetCustom sets custom attributes.
func SetCustom(m *edit.Member, by string, values map[string]edit.Value) CustomerEdit {
	return CustomerEdit{m, m.Customer().By(by).Set(values)}
}

// PutCustom sets custom attributes without a given type: each keeps the type that it has with any
// of the members.
func PutCustom(g edit.Group, by string, values map[string]edit.Untyped) CustomerEdit {
	for name, v := range g.Attributes() {
		if given, ok := values[name]; ok {
			given.Type = v.Type
			values[name] = given
		}
	}
	return CustomerEdit{g[0], g[0].Customer().By(by).Put(values)}
}

// RemoveCustom removes custom attributes.
func RemoveCustom(g edit.Group, by string, names []string) (list []CustomerEdit) {
	for _, m := range g {
		list = append(list, CustomerEdit{m, m.Customer().By(by).Remove(names...)})
	}
	return list
}

// Stored is the source customer that the others were merged into, as a record.
func (c Customer) Stored() Stored {
	return Stored{Source: c.Source, Key: c.Source.Space().Customer(c.H), Attrs: c.Attrs, Edits: c.Edits.Row}
}

// EditFields changes fields of a customer.
func (a Account) EditFields(c Customer, ch Change, by string) CustomerEdit {
	return CustomerEdit{c.Member, a.editable(c.Stored()).Change(ch.Want, ch.Attrs, by)}
}

// EditCustomer makes the edits that decide returns for the customer of a public id. It returns the
// customer with these edits.
func (r *Records) EditCustomer(ctx context.Context, id string, decide func(Account, Customer) ([]CustomerEdit, error)) (cu Customer, err error) {
	err = r.EditCustomers(ctx, func() (Account, []CustomerEdit, error) {
		var a Account
		if a, cu, err = r.Customer(ctx, id); err != nil {
			return a, nil, err
		}
		list, err := decide(a, cu)
		return a, list, err
	})
	if err != nil {
		return Customer{}, err
	}
	return CustomerOf(cu.Group), nil
}

// EditCustomers makes the edits that decide returns. Edits of a single customer are written in one
// transaction. More may take several; if only some of them are written, the same call again
// completes the rest.
func (r *Records) EditCustomers(ctx context.Context, decide func() (Account, []CustomerEdit, error)) error {
	return r.settled(ctx, func() error {
		a, list, err := decide()
		if err != nil {
			return err
		}
		return r.edit(ctx, a, list)
	})
}

// edit writes edits, and more writes with them. They go into one transaction if they belong to one
// customer and have 4 MB at most; package edit merges no more customers into one than fit. After
// edit the members in list show their edits.
func (r *Records) edit(ctx context.Context, a Account, list []CustomerEdit, more ...table.Write) error {
	changes := make([]*edit.Change, len(list))
	for i, e := range list {
		changes[i] = e.Change
	}
	writes, err := r.Edits.Writes(ctx, a.Directory, changes...)
	if err != nil {
		return err
	}
	for _, chunk := range r.Store.Transactions(append(more, writes...)) {
		if err := r.write(ctx, a, chunk...); err != nil {
			return err
		}
	}
	for _, e := range list {
		e.Show(&e.Edits)
	}
	return nil
}
