package chartmogul

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/store"
)

const whatPlan = "Plan"

// planWire is a plan on the wire.
type planWire struct {
	ExternalID     string `json:"external_id"`
	Name           string `json:"name"`
	IntervalCount  int64  `json:"interval_count"`
	IntervalUnit   string `json:"interval_unit"`
	DataSourceUUID string `json:"data_source_uuid"`
	UUID           string `json:"uuid"`
}

type planList struct {
	Plans []planWire `json:"plans"`
	paged
}

// planRow is a plan as it is stored.
type planRow struct {
	src    store.Source
	h      store.H
	record *billing.Plan
}

func (r planRow) position() position { return position{kind: atPlan, tag: r.src.Tag, h: r.h} }

func (r planRow) wire() planWire {
	return planWire{
		ExternalID: r.record.ExternalID, Name: r.record.Name,
		IntervalCount: r.record.IntervalCount, IntervalUnit: r.record.IntervalUnit,
		DataSourceUUID: r.src.UUID, UUID: store.ID(store.PrefixPlan, r.src.Tag, r.h),
	}
}

// createPlan is POST /plans. Without an external id the plan gets a random one.
// ChartMogul gives it the uuid of the plan; ours follows from the external id, so that would be a circle.
func createPlan(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if err := f.require("data_source_uuid", "name", "interval_count", "interval_unit"); err != nil {
		return reply{}, err
	}
	a, err := c.account()
	if err != nil {
		return reply{}, err
	}
	src, ok := a.ByUUID(f.text("data_source_uuid"))
	if !ok {
		return reply{}, absent(whatSource)
	}
	plan := readPlan(f)
	if err := f.refused(); err != nil {
		return reply{}, err
	}
	row := planRow{src, a.hash.PlanH(plan), plan}
	err = c.Store.Transact(c.Context(), store.Write{Item: c.encode(src.Space().Plan(row.h), plan, 0), If: a.fresh()})
	if fault.KindOf(err) == fault.Conflict && err != nil {
		return reply{}, refused(map[string]string{"external_id": textPlanDup})
	}
	return reply{status: http.StatusCreated, body: row.wire()}, err
}

func readPlan(f *fields) *billing.Plan {
	plan := &billing.Plan{ExternalID: f.id("external_id"), Name: f.needed("name"), IntervalUnit: f.oneOf("interval_unit", "day", "month", "year")}
	if plan.IntervalUnit == "" {
		f.fail("interval_unit", textBlank)
	}
	switch n := f.whole("interval_count"); {
	case n == nil:
		f.fail("interval_count", textBlank)
	case *n < 1:
		f.fail("interval_count", "must be greater than 0")
	default:
		plan.IntervalCount = *n
	}
	if plan.ExternalID == "" {
		plan.ExternalID = uuid.NewString()
	}
	return plan
}

// getPlan is GET /plans/:uuid.
func getPlan(c *call) (reply, error) {
	tag, h, err := store.ParseID(store.PrefixPlan, c.PathValue("uuid"))
	if err != nil {
		return reply{}, absent(whatPlan)
	}
	a, found, err := c.read(func(d *store.Directory) []store.Key {
		if src, ok := d.ByTag(tag); ok {
			return []store.Key{src.Space().Plan(h)}
		}
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	src, _ := a.ByTag(tag)
	attrs, ok := found[src.Space().Plan(h)]
	if src.UUID == "" || !ok || !a.Visible(attrs) {
		return reply{}, absent(whatPlan)
	}
	return reply{status: http.StatusOK, body: planRow{src, h, store.DecodePlan(attrs)}.wire()}, nil
}

// listPlans is GET /plans.
func listPlans(c *call) (reply, error) {
	p, err := c.paging(atPlan)
	if err != nil {
		return reply{}, err
	}
	a, err := c.account()
	if err != nil {
		return reply{}, err
	}
	sources := c.sources(a)
	read := func(r planRow) float64 { return share(sources, r.src.Tag, r.h) }
	var rows []planRow
	if ext := c.param("external_id"); ext != "" {
		rows, err = c.plansByExternalID(a, sources, ext, p)
		read = everything
	} else {
		rows, err = c.walkPlans(a, sources, p)
	}
	if err != nil {
		return reply{}, err
	}
	rows, tail := cut(p, rows, planRow.position, read)
	list := planList{Plans: make([]planWire, len(rows)), paged: tail}
	for i, r := range rows {
		list.Plans[i] = r.wire()
	}
	return reply{status: http.StatusOK, body: list}, nil
}

func (c *call) walkPlans(a account, sources []store.Source, p paging) ([]planRow, error) {
	var spans []span
	for _, src := range sources {
		q := src.Space().Plans()
		if p.after != nil && src.Tag < p.after.tag {
			continue
		}
		if p.after != nil && src.Tag == p.after.tag {
			q.After = src.Space().Plan(p.after.h).SK
		}
		spans = append(spans, span{src, q})
	}
	return gather(c.Context(), spans, p.size+1, func(ctx context.Context, sp span, want int) ([]planRow, error) {
		var rows []planRow
		sp.query.Limit = want
		for item, err := range c.Store.Items(ctx, sp.query) {
			if err != nil {
				return nil, err
			}
			h, ok := store.TrailingH(item.SK)
			if !ok || !a.Visible(item.Attrs) {
				continue
			}
			if rows = append(rows, planRow{sp.src, h, store.DecodePlan(item.Attrs)}); len(rows) == want {
				break
			}
		}
		return rows, nil
	})
}

func (c *call) plansByExternalID(a account, sources []store.Source, ext string, p paging) ([]planRow, error) {
	h := a.hash.PlanH(&billing.Plan{ExternalID: ext})
	var keys []store.Key
	for _, src := range sources {
		keys = append(keys, src.Space().Plan(h))
	}
	found, err := c.lookup(c.Context(), keys)
	if err != nil {
		return nil, err
	}
	var rows []planRow
	for i, src := range sources {
		attrs, ok := found[keys[i]]
		row := planRow{src: src, h: h}
		if ok && a.Visible(attrs) && (p.after == nil || p.after.before(row.position())) {
			row.record = store.DecodePlan(attrs)
			rows = append(rows, row)
		}
	}
	return rows, nil
}
