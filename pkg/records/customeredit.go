package records

import (
	"context"

	"reseed/pkg/edit"
	"reseed/pkg/table"
)

// What people give to customers: changed fields, tags and custom attributes. All of it is edits,
// which stay whatever is imported later. Of a merged customer, what is added goes to the one that
// the others were merged into, and what is removed is removed from all.

// CustomerEdit is a change of what people gave to a source customer.
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

// PutCustom sets custom attributes whose types are not told: they keep those that they have, with
// whichever member.
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

// EditCustomer makes changes of what people gave to the customer of a public id, and returns it
// with them.
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

// EditCustomers makes changes of what people gave to some customers. Those are in one transaction
// if they are of one customer; more than that may take several, and if it is cut between them the
// same once more completes it.
func (r *Records) EditCustomers(ctx context.Context, decide func() (Account, []CustomerEdit, error)) error {
	return r.settled(ctx, func() error {
		a, list, err := decide()
		if err != nil {
			return err
		}
		return r.edit(ctx, a, list)
	})
}

// edit makes changes and other writes together, in one transaction if they are of one customer and
// have 4 MB at most: no customer is merged of more than fit into one. More than that is completed
// by the same request again. The customers show them then.
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
