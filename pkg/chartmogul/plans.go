package chartmogul

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"reseed/pkg/billing"
	"reseed/pkg/store"
	"reseed/pkg/table"
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

// planRow is a plan as it was imported, and what people have changed of it.
type planRow struct {
	stored
	h store.H
}

func (r planRow) position() position { return position{kind: atPlan, tag: r.src.Tag, h: r.h} }

func (r planRow) wire() planWire { return r.spell(r.shown()) }

func (r planRow) spell(attrs table.Attrs) planWire {
	p := store.DecodePlan(attrs)
	return planWire{
		ExternalID: p.ExternalID, Name: p.Name, IntervalCount: p.IntervalCount, IntervalUnit: p.IntervalUnit,
		DataSourceUUID: r.src.UUID, UUID: store.ID(store.PrefixPlan, r.src.Tag, r.h),
	}
}

// planIn is the plan among what was found, with its edits; ok is false if it is not to be seen.
func (a account) planIn(src store.Source, h store.H, found map[table.Key]table.Attrs) (row planRow, ok bool, err error) {
	key := src.Space().Plan(h)
	attrs := found[key]
	if attrs == nil || !a.Visible(attrs) {
		return row, false, nil
	}
	s, err := a.stored(src, table.Item{Key: key, Attrs: attrs}, found)
	return planRow{s, h}, err == nil, err
}

// createPlan is POST /plans. Without an external id the plan gets a random one.
// ChartMogul gives it the uuid of the plan; ours follows from the external id, so that would be a circle.
func createPlan(c *call) (ans reply, err error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if err := f.require("data_source_uuid", "name", "interval_count", "interval_unit"); err != nil {
		return reply{}, err
	}
	source, plan := f.text("data_source_uuid"), readPlan(f)
	return ans, c.settled(func() error {
		a, found, err := c.read(func(d *store.Directory) []table.Key {
			if src, ok := d.ByUUID(source); ok {
				return planKeys(src, d.Hasher().PlanH(plan))
			}
			return nil
		})
		if err != nil {
			return err
		}
		src, ok := a.ByUUID(source)
		if !ok {
			return absent(whatSource)
		}
		if err := f.refused(); err != nil {
			return err
		}
		row, err := c.makePlan(a, src, plan, found)
		if err == nil {
			ans = reply{status: http.StatusCreated, body: row.wire()}
		}
		return err
	})
}

// makePlan makes a plan that is not there yet. What people changed of an earlier one of its external id is there again.
func (c *call) makePlan(a account, src store.Source, plan *billing.Plan, found map[table.Key]table.Attrs) (planRow, error) {
	h := a.hash.PlanH(plan)
	item := c.encode(src.Space().Plan(h), plan, 0)
	switch attrs := found[item.Key]; {
	case a.hidden(attrs):
		return planRow{}, erasing()
	case attrs != nil:
		return planRow{}, refused(map[string]string{"external_id": textPlanDup})
	}
	s, err := a.stored(src, item, found)
	if err != nil {
		return planRow{}, err
	}
	return planRow{s, h}, c.write(a, table.Write{Item: item, If: absentOnly()})
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

// planKeys are the keys of a plan and of what people changed of it.
func planKeys(src store.Source, h store.H) []table.Key {
	key := src.Space().Plan(h)
	return []table.Key{key, src.Space().FieldsOf(key)}
}

// plan reads the plan that the path names.
func (c *call) plan() (account, planRow, error) {
	tag, h, err := store.ParseID(store.PrefixPlan, c.PathValue("uuid"))
	if err != nil {
		return account{}, planRow{}, absent(whatPlan)
	}
	a, found, err := c.read(func(d *store.Directory) []table.Key {
		if src, ok := d.ByTag(tag); ok {
			return planKeys(src, h)
		}
		return nil
	})
	if err != nil {
		return a, planRow{}, err
	}
	src, ok := a.ByTag(tag)
	if !ok {
		return a, planRow{}, absent(whatPlan)
	}
	row, ok, err := a.planIn(src, h, found)
	if err == nil && !ok {
		err = absent(whatPlan)
	}
	return a, row, err
}

// getPlan is GET /plans/:uuid.
func getPlan(c *call) (reply, error) {
	_, row, err := c.plan()
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: row.wire()}, nil
}

// patchPlan is PATCH /plans/:uuid: always an edit, which stays whatever is imported later.
func patchPlan(c *call) (ans reply, err error) {
	body, err := c.body()
	if err != nil {
		return reply{}, err
	}
	fm := form{
		open:  []string{"name", "interval_count", "interval_unit"},
		fixed: []string{"external_id", "data_source_uuid"},
		read:  func(f *fields) (billing.Record, error) { return readPlan(f), nil },
	}
	return ans, c.settled(func() error {
		a, row, err := c.plan()
		if err != nil {
			return err
		}
		ch, err := fm.edit(body, row.stored, func(attrs table.Attrs) any { return row.spell(attrs) })
		if err != nil {
			return err
		}
		err = c.apply(a, &row.stored, ch)
		ans = reply{status: http.StatusAccepted, body: row.wire()}
		return err
	})
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
	if err := c.overlayPlans(a, rows); err != nil {
		return reply{}, err
	}
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
			if rows = append(rows, planRow{stored{src: sp.src, key: item.Key, attrs: item.Attrs}, h}); len(rows) == want {
				break
			}
		}
		return rows, nil
	})
}

// overlayPlans lays the edits over a page of plans: one query for each source.
func (c *call) overlayPlans(a account, rows []planRow) error {
	for from := 0; from < len(rows); {
		to, src := from+1, rows[from].src
		for to < len(rows) && rows[to].src.Tag == src.Tag {
			to++
		}
		q := src.Space().PlanEdits()
		q.From, q.To = rows[from].key.SK, store.After(rows[to-1].key.SK)
		items, err := c.items(c.Context(), q)
		if err != nil {
			return err
		}
		found := byKey(items)
		for i := range rows[from:to] {
			r := &rows[from+i]
			if r.stored, err = a.stored(src, table.Item{Key: r.key, Attrs: r.attrs}, found); err != nil {
				return err
			}
		}
		from = to
	}
	return nil
}

func (c *call) plansByExternalID(a account, sources []store.Source, ext string, p paging) ([]planRow, error) {
	h := a.hash.PlanH(&billing.Plan{ExternalID: ext})
	var keys []table.Key
	for _, src := range sources {
		keys = append(keys, planKeys(src, h)...)
	}
	found, err := c.lookup(c.Context(), keys)
	if err != nil {
		return nil, err
	}
	var rows []planRow
	for _, src := range sources {
		row, ok, err := a.planIn(src, h, found)
		if err != nil {
			return nil, err
		}
		if ok && (p.after == nil || p.after.before(row.position())) {
			rows = append(rows, row)
		}
	}
	return rows, nil
}
