package braintree

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

// theCustomer reads the customer of a cursor, and the subscriptions of its payment methods: there is no search for them.
func (r *reader) theCustomer(ctx context.Context, l list, c cursor) (system.Page, cursor, error) {
	p := system.Page{Stream: l.stream}
	objects, err := r.one(ctx, l, c.Customer)
	if kind, _ := remote.KindOf(err); err != nil && kind == remote.Gone {
		return p, c.list(), nil
	}
	if err != nil {
		return p, c, err
	}
	p.Objects, err = r.withSubscriptions(ctx, c, objects, subscriptionsShown(objects[0].JSON))
	return p, c.list(), err
}

// itsTransactions reads the next transactions of the customer of a cursor, and the subscriptions that they name: those whose payment
// method is deleted are found by nothing else.
func (r *reader) itsTransactions(ctx context.Context, l list, c cursor) (system.Page, cursor, error) {
	p, next, err := r.window(ctx, l, c)
	if err != nil {
		return p, c, err
	}
	named := map[string]bool{}
	p.Objects = slices.DeleteFunc(p.Objects, func(o system.Object) bool {
		var t struct {
			Customer     head   `json:"customer"`
			Subscription string `json:"subscription_id"`
		}
		if json.Unmarshal(o.JSON, &t) != nil {
			return false // the mapping says what is wrong with it
		}
		if t.Customer.ID == c.Customer && t.Subscription != "" {
			named[t.Subscription] = true
		}
		return t.Customer.ID != c.Customer // a search for a text may find what is similar
	})
	p.Objects, err = r.withSubscriptions(ctx, c, p.Objects, slices.Sorted(maps.Keys(named)))
	return p, next, err
}

func (r *reader) withSubscriptions(ctx context.Context, c cursor, objects []system.Object, ids []string) ([]system.Object, error) {
	for chunk := range slices.Chunk(ids, pageSize) {
		more, err := r.byID(ctx, subscriptions(), criteria{CreatedAt: during(first, c.Until)}, chunk)
		if err != nil {
			return nil, err
		}
		objects = append(objects, more...)
	}
	return objects, nil
}

// subscriptionsShown returns the ids of the subscriptions that a customer's payment methods, of whatever kind, show.
func subscriptionsShown(customer json.RawMessage) []string {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(customer, &fields) // it has been one before
	ids := map[string]bool{}
	for _, field := range fields {
		var methods []struct {
			Subscriptions []head `json:"subscriptions"`
		}
		if json.Unmarshal(field, &methods) != nil {
			continue
		}
		for _, m := range methods {
			for _, s := range m.Subscriptions {
				ids[s.ID] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(ids))
}
