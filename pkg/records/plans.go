package records

import (
	"context"

	"reseed/pkg/billing"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Plan is a plan as it was imported, and what people have changed of it.
type Plan struct {
	Stored
	H store.H
}

// PlanKeys are the keys of a plan and of what people changed of it.
func PlanKeys(src store.Source, h store.H) []table.Key {
	key := src.Space().Plan(h)
	return []table.Key{key, src.Space().FieldsOf(key)}
}

// PlanIn takes a plan with its edits from found; ok is false if it is not visible.
func (a Account) PlanIn(src store.Source, h store.H, found map[table.Key]table.Attrs) (p Plan, ok bool, err error) {
	key := src.Space().Plan(h)
	attrs := found[key]
	if attrs == nil || !a.Visible(attrs) {
		return p, false, nil
	}
	s, err := a.Stored(src, table.Item{Key: key, Attrs: attrs}, found)
	return Plan{s, h}, err == nil, err
}

// Plan reads the plan of a public id.
func (r *Records) Plan(ctx context.Context, id string) (Account, Plan, error) {
	tag, h, err := store.ParseID(store.PrefixPlan, id)
	if err != nil {
		return Account{}, Plan{}, Absent(WhatPlan)
	}
	a, found, err := r.read(ctx, func(d *store.Directory) []table.Key {
		if src, ok := d.ByTag(tag); ok {
			return PlanKeys(src, h)
		}
		return nil
	})
	if err != nil {
		return a, Plan{}, err
	}
	src, ok := a.ByTag(tag)
	if !ok {
		return a, Plan{}, Absent(WhatPlan)
	}
	p, ok, err := a.PlanIn(src, h, found)
	if err == nil && !ok {
		err = Absent(WhatPlan)
	}
	return a, p, err
}

// CreatePlan makes a plan that is not there yet. Edits of an earlier plan with its external id take
// effect again. wrong is what the caller has found wrong with the plan, or nil; CreatePlan returns
// it, unless the source is not there.
func (r *Records) CreatePlan(ctx context.Context, source string, plan *billing.Plan, wrong error) (made Plan, err error) {
	err = r.settled(ctx, func() error {
		a, found, err := r.read(ctx, func(d *store.Directory) []table.Key {
			if src, ok := d.ByUUID(source); ok {
				return PlanKeys(src, d.Hasher().PlanH(plan))
			}
			return nil
		})
		if err != nil {
			return err
		}
		src, ok := a.ByUUID(source)
		if !ok {
			return Absent(WhatSource)
		}
		if wrong != nil {
			return wrong
		}
		made, err = r.makePlan(ctx, a, src, plan, found)
		return err
	})
	return made, err
}

func (r *Records) makePlan(ctx context.Context, a Account, src store.Source, plan *billing.Plan, found map[table.Key]table.Attrs) (Plan, error) {
	h := a.Hash.PlanH(plan)
	item := r.encode(src.Space().Plan(h), plan, 0)
	switch attrs := found[item.Key]; {
	case a.hidden(attrs):
		return Plan{}, erasing()
	case attrs != nil:
		return Plan{}, wrongID(textPlanDup)
	}
	s, err := a.Stored(src, item, found)
	if err != nil {
		return Plan{}, err
	}
	return Plan{s, h}, r.write(ctx, a, table.Write{Item: item, If: absentOnly()})
}

// ChangePlan changes the plan of a public id. by is the author.
func (r *Records) ChangePlan(ctx context.Context, id, by string, decide func(Plan) (Change, error)) (p Plan, err error) {
	err = r.settled(ctx, func() error {
		a, now, err := r.Plan(ctx, id)
		if err != nil {
			return err
		}
		ch, err := decide(now)
		if err != nil {
			return err
		}
		err = r.apply(ctx, a, &now.Stored, ch, by)
		p = now
		return err
	})
	return p, err
}
