package billing

// planRow is a row of a plans file.
type planRow struct {
	Name          string `csv:"Name" rule:"required"`
	IntervalCount string `csv:"Interval count" rule:"required"`
	IntervalUnit  string `csv:"Interval unit" rule:"required"`
	PlanID        string `csv:"Plan ID" names:"id"`
}

func (r *planRow) record(c *cells) Record {
	p := &c.records.plan
	*p = Plan{
		ExternalID:    c.id(&r.PlanID),
		Name:          c.text(&r.Name),
		IntervalCount: parsed(c, &r.IntervalCount, parseInteger),
		IntervalUnit:  c.word(&r.IntervalUnit, "day", "month", "year"),
	}
	if p.IntervalCount < 1 {
		c.fail(&r.IntervalCount, invalid(CodeOutOfRange, "%s is not possible; it must be 1 or more.", quoteNumber(r.IntervalCount)))
	}
	return p
}
