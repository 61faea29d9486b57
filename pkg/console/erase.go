package console

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// erasePage shows the plan of an erase, and confirms it.
type erasePage struct {
	base
	Kind    erasing
	Form    eraseForm
	Plan    *wire.ErasePlan // nil if the options are refused
	Name    string          // of what goes
	Typed   bool            // the name has to be typed
	Until   time.Time       // it can be restored before; zero if it can't
	Counts  []eraseCount
	Seen    string // the counts as a query
	Stale   bool   // another plan was confirmed
	Changed bool   // a number differs from that of the other plan
	Problem string // what is wrong with the form
	Field   string // and with which field; empty if with none
	Export  *wire.Job
	Back    string // where nothing is erased
	Graces  []graceChoice
}

// eraseCount is a line of what goes.
type eraseCount struct {
	What    string // the API's name
	N, Was  int64
	Changed bool // Was is of the plan that somebody saw before
}

// showErase is GET /erase. What is to be erased is chosen on other pages.
func (c *Console) showErase(v *visit) (answer, error) {
	f := eraseFormOf(v)
	if f.Selection == "" {
		return goTo("/sources"), v.client.Ping(v.ctx()) // which fails if nobody is signed in any more
	}
	p, err := v.erasePage(f)
	if p.Problem != "" {
		return refuse("erase", p), err
	}
	return show("erase", p), err
}

// erase is POST /erase. With do=look it only shows the page with other options.
func (c *Console) erase(v *visit) (answer, error) {
	f := eraseFormOf(v)
	if v.FormValue("do") == "look" {
		return goTo(f.address()), nil
	}
	p, err := v.erasePage(f)
	switch {
	case isGone(err): // perhaps by this very plan: then the API answers with the erase that it began
	case err != nil:
		return answer{}, err
	case p.Problem != "":
		return refuse("erase", p), nil
	case p.Typed && !isTyped(f.Typed, p.Name):
		return refuse("erase", p.wrong("typed", "This is not the name. Nothing was deleted.")), nil
	}
	kind, _ := erasingOf(f.Selection) // erasePage has refused others
	order := f.order(kind)
	order.Plan, order.Reason = cmp.Or(f.Plan, "none"), f.Reason
	j, err := v.client.Erase(v.ctx(), order)
	refused, ok := errors.AsType[*client.Error](err)
	switch {
	case err == nil:
		return goTo("/jobs/" + url.PathEscape(j.ID)), nil
	case ok && refused.Stale != nil:
		return v.stalePlan(f, kind, refused.Stale)
	case ok && p.Plan != nil && refused.Status != http.StatusUnauthorized && refused.Status < http.StatusInternalServerError:
		return answer{status: refused.Status, page: "erase", data: p.wrong(refused.Param, refused.Message)}, nil
	}
	return answer{}, err
}

// isGone reports whether an erase can't be planned because its selection is not there, or is being
// erased already.
func isGone(err error) bool {
	return client.IsNotFound(err) || client.IsConflict(err)
}

// stalePlan shows the page with a new plan, and what differs from the one that was confirmed.
func (v *visit) stalePlan(f eraseForm, kind erasing, plan *wire.ErasePlan) (answer, error) {
	p, err := v.pageOfPlan(f, kind, plan)
	p.Stale = true
	return answer{status: http.StatusConflict, page: "erase", data: p}, err
}

// wrong says what is wrong with the form, and with which of its fields.
func (p erasePage) wrong(field, message string) erasePage {
	p.Field, p.Problem = oneOf(field, "grace", "keep_edits", "forget", "reason", "typed"), message
	return p
}

// Units is how many write units the removal costs.
func (p erasePage) Units() int64 { return int64(p.Plan.WriteUnits) }

// Keeps reports whether edits stay.
func (p erasePage) Keeps() bool {
	keep := p.Form.order(p.Kind).KeepEdits
	return keep != nil && *keep
}

// erasePage makes the page. The error is that of the plan, unless only the options are refused: then
// the page says so.
func (v *visit) erasePage(f eraseForm) (erasePage, error) {
	kind, ok := erasingOf(f.Selection)
	if !ok {
		return erasePage{}, &client.Error{Status: http.StatusNotFound, Message: "There is nothing of this kind to delete."}
	}
	plan, err := v.client.PlanErase(v.ctx(), f.order(kind))
	if refused, ok := refusal(err, http.StatusUnprocessableEntity); ok {
		p := erasePage{base: v.base(kind.Title, "sources"), Kind: kind, Form: f, Graces: f.graces(nil), Back: "/sources"}
		return p.wrong(refused.Param, refused.Message), nil
	}
	if err != nil {
		return erasePage{}, err
	}
	return v.pageOfPlan(f, kind, plan)
}

func (v *visit) pageOfPlan(f eraseForm, kind erasing, plan *wire.ErasePlan) (erasePage, error) {
	p := erasePage{base: v.base(kind.Title, "sources"), Kind: kind, Form: f, Plan: plan, Graces: f.graces(plan), Back: f.back(plan)}
	p.Path = f.address() // also when the form is answered
	p.Typed = f.Selection == wire.SelectSource || plan.Grace == 0
	if plan.Grace > 0 {
		p.Until = v.c.Now().Add(time.Duration(plan.Grace * float64(time.Second)))
	}
	p.Counts, p.Seen = countsOf(plan, f.Seen)
	p.Changed = slices.ContainsFunc(p.Counts, func(n eraseCount) bool { return n.Changed })
	var err error
	if p.Name, err = v.nameOfErased(f, plan); err != nil || f.Exporting == "" {
		return p, err
	}
	p.Export, err = v.client.Job(v.ctx(), f.Exporting)
	if client.IsNotFound(err) {
		p.Export, err = nil, nil
	}
	return p, err
}

// pointerCount is the line that counts pointers of all kinds.
const pointerCount = "index entries that lead to them"

// countsOf lists what goes, in the order of imports, and the numbers as a query. seen are the numbers
// of another plan; lines that differ from it are marked.
func countsOf(plan *wire.ErasePlan, seen string) (list []eraseCount, numbers string) {
	now, q := maps.Clone(plan.Removes), url.Values{}
	if n := plan.Pointers.Total(); n > 0 {
		now[pointerCount] = n
	}
	before, _ := url.ParseQuery(seen) // what can't be read was not seen
	for what := range before {
		now[what] += 0
	}
	for what, n := range now {
		was, err := strconv.ParseInt(before.Get(what), 10, 64)
		known := seen != "" && (err == nil || !before.Has(what))
		list = append(list, eraseCount{what, n, was, known && was != n})
		q.Set(what, strconv.FormatInt(n, 10))
	}
	slices.SortFunc(list, func(a, b eraseCount) int { return cmp.Or(rank(a.What)-rank(b.What), cmp.Compare(a.What, b.What)) })
	return list, q.Encode()
}

// rank orders the lines of a count: datasets in the order of imports, then the rest by name, and
// pointers last.
func rank(what string) int {
	at := slices.Index(datasets(), what)
	switch {
	case what == pointerCount:
		return len(datasets()) + 1
	case at < 0:
		return len(datasets())
	}
	return at
}

// back is the page of what would be erased.
func (f eraseForm) back(plan *wire.ErasePlan) string {
	switch {
	case f.Selection == wire.SelectImport:
		return "/jobs/" + url.PathEscape(plan.Import)
	case f.ID != "" && (f.Selection == wire.SelectCustomer || f.Selection == wire.SelectCustomerInvoices):
		return "/customers/" + url.PathEscape(f.ID)
	case plan.Source != "":
		return "/sources/" + url.PathEscape(plan.Source)
	}
	return "/sources"
}

// nameOfErased is what people call what goes.
func (v *visit) nameOfErased(f eraseForm, plan *wire.ErasePlan) (string, error) {
	switch f.Selection {
	case wire.SelectManualCustomers:
		return allManual, nil
	case wire.SelectCustomer, wire.SelectCustomerInvoices:
		return v.nameOfRecord("/v1/customers/", f)
	case wire.SelectInvoice:
		return v.nameOfRecord("/v1/invoices/", f)
	}
	return plan.SourceName, nil
}

// nameOfRecord is the name of a customer, or else its external id; of an invoice it is always that.
func (v *visit) nameOfRecord(path string, f eraseForm) (string, error) {
	if f.ID == "" {
		return f.ExternalID, nil
	}
	var record struct {
		Name       string `json:"name"`
		ExternalID string `json:"external_id"`
	}
	err := v.client.Call(v.ctx(), http.MethodGet, path+url.PathEscape(f.ID), nil, &record)
	if client.IsNotFound(err) {
		return f.ID, nil
	}
	return cmp.Or(record.Name, record.ExternalID, f.ID), err
}

// exportFirst is POST /erase/export: it begins an export of what goes, of one data source or of one
// customer, and comes back to the page.
func (c *Console) exportFirst(v *visit) (answer, error) {
	f := eraseFormOf(v)
	var j *wire.Job
	var err error
	if f.Selection == wire.SelectCustomer || f.Selection == wire.SelectCustomerInvoices {
		j, err = v.client.ExportCustomer(v.ctx(), wire.CustomerExport{Customer: f.ID, Source: f.Source, ExternalID: f.ExternalID})
	} else {
		j, err = v.client.Export(v.ctx(), v.FormValue("of"), wire.ExportOptions{Format: wire.NDJSON})
	}
	if err != nil {
		return answer{}, err
	}
	f.Exporting = j.ID
	return goTo(f.address()), nil
}
