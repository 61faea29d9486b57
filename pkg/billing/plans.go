package billing

// planRow is a row of a plans file.
type planRow struct {
	Name          string `csv:"Name" field:"name" rule:"required"`
	IntervalCount string `csv:"Interval count" field:"interval_count" is:"integer" rule:"required"`
	IntervalUnit  string `csv:"Interval unit" field:"interval_unit" is:"word" rule:"required"`
	PlanID        string `csv:"Plan ID" field:"external_id" is:"id" names:"id"`
}

func (r *planRow) record(c *cells) Record {
	p := &c.records.plan
	*p = Plan{
		ExternalID:    c.own(&r.PlanID),
		Name:          c.text(&r.Name),
		IntervalCount: parsed(c, &r.IntervalCount, parseInteger),
		IntervalUnit:  c.word(&r.IntervalUnit, "day", "month", "year"),
	}
	if p.IntervalCount < 1 {
		c.fail(&r.IntervalCount, invalid(CodeOutOfRange, "%s is not possible; it must be 1 or more.", quoteNumber(r.IntervalCount)))
	}
	return p
}

func (r *planRow) fill(rec Record) {
	p, _ := rec.(*Plan)
	*r = planRow{Name: p.Name, IntervalCount: spellSome(p.IntervalCount), IntervalUnit: p.IntervalUnit, PlanID: p.ExternalID}
}
