package chartmogul

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"reseed/pkg/billing"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

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
	httpapi.Paged
}

func placeOfPlan(p records.Plan) position { return position{kind: atPlan, tag: p.Source.Tag, h: p.H} }

func wireOfPlan(p records.Plan) planWire { return spellPlan(p, p.Shown()) }

// spellPlan is a plan on the wire, with these attributes.
func spellPlan(p records.Plan, attrs table.Attrs) planWire {
	is := store.DecodePlan(attrs)
	return planWire{
		ExternalID: is.ExternalID, Name: is.Name, IntervalCount: is.IntervalCount, IntervalUnit: is.IntervalUnit,
		DataSourceUUID: p.Source.UUID, UUID: store.ID(store.PrefixPlan, p.Source.Tag, p.H),
	}
}

// createPlan is POST /plans. A plan without an external id gets a random one. ChartMogul would use
// the plan's uuid; here the uuid is made from the external id.
func createPlan(c *call) (httpapi.Reply, error) {
	f, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	if err := f.Require("data_source_uuid", "name", "interval_count", "interval_unit"); err != nil {
		return httpapi.Reply{}, err
	}
	source, plan := f.Text("data_source_uuid"), readPlan(f)
	made, err := c.Records.CreatePlan(c.Context(), source, plan, f.Refused())
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusCreated, Body: wireOfPlan(made)}, nil
}

func readPlan(f *httpapi.Fields) *billing.Plan {
	plan := &billing.Plan{ExternalID: f.ID("external_id"), Name: f.Needed("name"), IntervalUnit: f.OneOf("interval_unit", "day", "month", "year")}
	if plan.IntervalUnit == "" {
		f.Fail("interval_unit", httpapi.TextBlank)
	}
	switch n := f.Whole("interval_count"); {
	case n == nil:
		f.Fail("interval_count", httpapi.TextBlank)
	case *n < 1:
		f.Fail("interval_count", "must be greater than 0")
	default:
		plan.IntervalCount = *n
	}
	if plan.ExternalID == "" {
		plan.ExternalID = uuid.NewString()
	}
	return plan
}

// getPlan is GET /plans/:uuid.
func getPlan(c *call) (httpapi.Reply, error) {
	_, p, err := c.Records.Plan(c.Context(), c.PathValue("uuid"))
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusOK, Body: wireOfPlan(p)}, nil
}

// patchPlan is PATCH /plans/:uuid: always an edit, which stays whatever is imported later.
func patchPlan(c *call) (httpapi.Reply, error) {
	body, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	fm := form{
		open:  []string{"name", "interval_count", "interval_unit"},
		fixed: []string{"external_id", "data_source_uuid"},
		read:  func(f *httpapi.Fields) (billing.Record, error) { return readPlan(f), nil },
	}
	p, err := c.Records.ChangePlan(c.Context(), c.PathValue("uuid"), c.Author, func(p records.Plan) (records.Change, error) {
		return fm.edit(body, p.Stored, func(attrs table.Attrs) any { return spellPlan(p, attrs) })
	})
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusAccepted, Body: wireOfPlan(p)}, nil
}

// listPlans is GET /plans.
func listPlans(c *call) (httpapi.Reply, error) {
	p, err := c.paging(atPlan)
	if err != nil {
		return httpapi.Reply{}, err
	}
	a, err := c.Records.Account(c.Context())
	if err != nil {
		return httpapi.Reply{}, err
	}
	sources := c.sources(a)
	read := func(r records.Plan) float64 { return share(sources, r.Source.Tag, r.H) }
	var rows []records.Plan
	if ext := c.Param("external_id"); ext != "" {
		rows, err = c.plansByExternalID(a, sources, ext, p)
		read = everything
	} else {
		rows, err = c.walkPlans(a, sources, p)
	}
	if err != nil {
		return httpapi.Reply{}, err
	}
	rows, tail := cut(p, rows, placeOfPlan, read)
	if err := c.overlayPlans(a, rows); err != nil {
		return httpapi.Reply{}, err
	}
	list := planList{Plans: make([]planWire, len(rows)), Paged: tail}
	for i, r := range rows {
		list.Plans[i] = wireOfPlan(r)
	}
	return httpapi.Reply{Status: http.StatusOK, Body: list}, nil
}

func (c *call) walkPlans(a records.Account, sources []store.Source, p paging) ([]records.Plan, error) {
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
	return gather(c.Context(), spans, p.size+1, func(ctx context.Context, sp span, want int) ([]records.Plan, error) {
		var rows []records.Plan
		sp.query.Limit = want
		for item, err := range c.Records.Store.Items(ctx, sp.query) {
			if err != nil {
				return nil, err
			}
			h, ok := store.TrailingH(item.SK)
			if !ok || !a.Visible(item.Attrs) {
				continue
			}
			if rows = append(rows, records.Plan{Stored: records.Stored{Source: sp.src, Key: item.Key, Attrs: item.Attrs}, H: h}); len(rows) == want {
				break
			}
		}
		return rows, nil
	})
}

// overlayPlans lays edits over a page of plans, with one query for each source.
func (c *call) overlayPlans(a records.Account, rows []records.Plan) error {
	for from := 0; from < len(rows); {
		to, src := from+1, rows[from].Source
		for to < len(rows) && rows[to].Source.Tag == src.Tag {
			to++
		}
		q := src.Space().PlanEdits()
		q.From, q.To = rows[from].Key.SK, store.After(rows[to-1].Key.SK)
		items, err := c.Records.Items(c.Context(), q)
		if err != nil {
			return err
		}
		found := records.ByKey(items)
		for i := range rows[from:to] {
			r := &rows[from+i]
			if r.Stored, err = a.Stored(src, table.Item{Key: r.Key, Attrs: r.Attrs}, found); err != nil {
				return err
			}
		}
		from = to
	}
	return nil
}

func (c *call) plansByExternalID(a records.Account, sources []store.Source, ext string, p paging) ([]records.Plan, error) {
	h := a.Hash.PlanH(&billing.Plan{ExternalID: ext})
	var keys []table.Key
	for _, src := range sources {
		keys = append(keys, records.PlanKeys(src, h)...)
	}
	found, err := c.Records.Lookup(c.Context(), keys)
	if err != nil {
		return nil, err
	}
	var rows []records.Plan
	for _, src := range sources {
		row, ok, err := a.PlanIn(src, h, found)
		if err != nil {
			return nil, err
		}
		if ok && (p.after == nil || p.after.before(placeOfPlan(row))) {
			rows = append(rows, row)
		}
	}
	return rows, nil
}
